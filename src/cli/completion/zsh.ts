/** The script for zsh. */
import type { Place } from "./places.js";
import { answers } from "./shell.js";

export function zshScript(places: readonly Place[]): string {
  return `#compdef llamafuse
# Completion of llamafuse for zsh.
#   source <(llamafuse completion zsh)
# Put this line into ~/.zshrc, after compinit, to have it in every shell.

${answers(places)}
# Lines of name, tab, what it does: shown with what they do.
_llamafuse_show() {
  local -a shown
  local line
  while IFS= read -r line; do
    [[ -n $line ]] && shown+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  (( \${#shown} )) && _describe -t "$1" "$1" shown
}

_llamafuse() {
  local place='' word skip='' flag='' kind cur=\${words[CURRENT]}
  local -a list kinds
  local -i i
  for (( i = 2; i < CURRENT; i++ )); do
    word=\${words[i]}
    if [[ -n $skip ]]; then skip=''; continue; fi
    if [[ $word == -* ]]; then
      if _llamafuse_value "$place" "$word" > /dev/null; then skip=1; flag=$word; fi
    elif _llamafuse_commands "$place" | cut -f 1 | grep -qxF -- "$word"; then
      place="$place\${place:+ }$word"
    fi
  done
  if [[ -z $skip && $cur == --*=* ]]; then
    flag=\${cur%%=*}
    compset -P '*='
    skip=1
  fi
  if [[ -n $skip ]]; then
    kinds=(\${(f)"$(_llamafuse_value "$place" "$flag")"})
  elif [[ $cur == -* ]]; then
    _llamafuse_show option < <(_llamafuse_flags "$place")
    return
  else
    _llamafuse_show command < <(_llamafuse_commands "$place")
    kinds=(\${(f)"$(_llamafuse_arguments "$place")"})
  fi
  for kind in $kinds; do
    case $kind in
      '='*) list+=("\${kind#=}") ;;
      models) list+=(\${(f)"$("\${words[1]}" models --names 2> /dev/null)"}) ;;
    esac
  done
  (( \${#list} )) && compadd -a list
  (( \${kinds[(I)files]} )) && _files
}

(( $+functions[compdef] )) && compdef _llamafuse llamafuse
`;
}
