/** Small chat templates in the styles that model families use, written for these tests. */

const alternate = `{% if (loop.index0 % 2 == 0) != (message['role'] == 'user') %}{{ raise_exception('Roles must alternate user/assistant') }}{% endif %}`;

export const TEMPLATES = {
  chatml: `{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`,

  llama2: `{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = '<<SYS>>\n' ~ messages[0]['content'] ~ '\n<</SYS>>\n\n' %}{% else %}{% set rest = messages %}{% set system = '' %}{% endif %}
{%- for message in rest %}
{%- if loop.index0 % 2 == 0 and message.role != 'user' %}{{ raise_exception('Expected a user message') }}{% endif %}
{%- if message.role == 'user' %}{{ bos_token ~ '[INST] ' ~ (system if loop.first else '') ~ message.content ~ ' [/INST]' }}
{%- else %}{{ ' ' ~ message.content ~ ' ' ~ eos_token }}{% endif %}
{%- endfor %}`,

  llama3: `{{- bos_token }}
{%- if not date_string is defined %}{% set date_string = strftime_now("%d %b %Y") %}{% endif %}
{%- if messages[0].role == 'system' %}{% set system = messages[0].content | trim %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}
{{- '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + date_string + '\n\n' + system + '<|eot_id|>' }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}`,

  gemma: `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}${alternate}{{ '<start_of_turn>' + ('model' if message['role'] == 'assistant' else message['role']) + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}`,

  mistral: `{{ bos_token }}{% for message in messages %}${alternate}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}`,

  /** As the first Phi-3: a system message is silently left out. */
  phi3: `{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<|user|>\n' + message['content'] + '<|end|>\n<|assistant|>\n' }}{% elif message['role'] == 'assistant' %}{{ message['content'] + '<|end|>\n' }}{% endif %}{% endfor %}`,

  zephyr: `{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n' + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}`,

  /** As vision models: contents are lists of parts. */
  parts: `{% for message in messages %}{{ message.role | capitalize }}:{% for part in message.content %}{% if part.type == 'text' %} {{ part.text }}{% else %}<image>{% endif %}{% endfor %}<end>\n{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}`,

  /** As tool models: counts its tools without asking whether there are any. */
  tools: `{% if tools | length > 0 %}tools!{% endif %}{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>`,
};
