/** The script for bash, 3.2 and newer; it needs no other package. */
import type { Place } from "./places.js";
import { answers } from "./shell.js";

export function bashScript(places: readonly Place[]): string {
  return `# Completion of llamafuse for bash.
#   source <(llamafuse completion bash)
# Put this line into ~/.bashrc to have it in every shell.

${answers(places)}
_llamafuse() {
  local line=\${COMP_LINE:0:COMP_POINT} place='' kinds='' list='' cur word skip='' flag='' i
  local -a words
  read -r -a words <<< "$line"
  case $line in *[[:space:]]) words+=('') ;; esac
  local last=$(( \${#words[@]} - 1 ))
  cur=\${words[last]}
  for (( i = 1; i < last; i++ )); do
    word=\${words[i]}
    if [ -n "$skip" ]; then skip=''; continue; fi
    case $word in
      -*) if _llamafuse_value "$place" "$word" > /dev/null; then skip=1; flag=$word; fi ;;
      *) if _llamafuse_commands "$place" | cut -f 1 | grep -qxF -- "$word"; then place="$place\${place:+ }$word"; fi ;;
    esac
  done
  case $cur in
    --*=*) flag=\${cur%%=*}; cur=\${cur#*=}; skip=1 ;;
  esac
  if [ -n "$skip" ]; then
    kinds=$(_llamafuse_value "$place" "$flag")
  else
    case $cur in
      -*) list=$(_llamafuse_flags "$place" | cut -f 1) ;;
      *) list=$(_llamafuse_commands "$place" | cut -f 1); kinds=$(_llamafuse_arguments "$place") ;;
    esac
  fi
  while read -r word; do
    case $word in
      =*) list="$list"$'\\n'"\${word#=}" ;;
      models) list="$list"$'\\n'"$("\${words[0]}" models --names 2> /dev/null)" ;;
    esac
  done <<< "$kinds"
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$list" -- "$cur"))
  case $kinds in
    *files*)
      COMPREPLY+=($(compgen -f -- "$cur"))
      type compopt > /dev/null 2>&1 && compopt -o filenames 2> /dev/null
      ;;
  esac
  # Where bash takes a colon for the end of a word, it replaces only what stands after the last one.
  case $COMP_WORDBREAKS in
    *:*)
      word=\${cur%"\${cur##*:}"}
      for (( i = 0; i < \${#COMPREPLY[@]}; i++ )); do COMPREPLY[i]=\${COMPREPLY[i]#"$word"}; done
      ;;
  esac
}
complete -F _llamafuse llamafuse
`;
}
