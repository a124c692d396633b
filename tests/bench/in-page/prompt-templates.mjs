/**
 * The chat templates that are measured, written for this: each gives what the model's own template gives for the
 * conversations below, with as many steps on the way. `thoughts` looks into the texts, as the templates of reasoning
 * models do.
 */

const prompt = (head) => `{% if add_generation_prompt %}{{ '${head}' }}{% endif %}`;

const chatml = `{% for message in messages %}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor %}
${prompt('<|im_start|>assistant\\n')}`;

const llama3Head = '<|start_header_id|>assistant<|end_header_id|>\\n\\n';

const llama3 = `{% for message in messages %}
    {%- set turn = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}
    {%- if loop.index0 == 0 %}
        {%- set turn = bos_token + turn %}
    {%- endif %}
    {{- turn }}
{%- endfor %}
${prompt(llama3Head)}`;

const llama31 = `{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- set in_question = tools_in_user_message if tools_in_user_message is defined else true %}
{%- set today = date_string if date_string is defined else '26 Jul 2024' %}
{%- if tools is not defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message, with the tools where they are not to stand in the first question #}
{%- if messages[0]['role'] == 'system' %}
    {%- set instructions = messages[0]['content'] | trim %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set instructions = '' %}
    {%- set rest = messages %}
{%- endif %}
{%- macro declared() %}
    {{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}
    {{- 'Do not use variables.\\n\\n' }}
    {%- for tool in tools %}
        {{- tool | tojson(indent=4) }}
        {{- '\\n\\n' }}
    {%- endfor %}
{%- endmacro %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}
{%- if builtin_tools is defined or tools is not none %}
    {{- 'Environment: ipython\\n' }}
{%- endif %}
{%- if builtin_tools is defined %}
    {{- 'Tools: ' + builtin_tools | reject('equalto', 'code_interpreter') | join(', ') + '\\n\\n' }}
{%- endif %}
{{- 'Cutting Knowledge Date: December 2023\\nToday Date: ' + today + '\\n\\n' }}
{%- if tools is not none and not in_question %}
    {{- 'You have access to the following functions. To call a function, please respond with JSON for a function call.' }}
    {{- declared() }}
{%- endif %}
{{- instructions + '<|eot_id|>' }}

{#- The first question, behind the tools #}
{%- if in_question and tools is not none %}
    {%- if rest | length == 0 %}
        {{- raise_exception('There is no question to put the tools before.') }}
    {%- endif %}
    {%- set question = rest[0]['content'] | trim %}
    {%- set rest = rest[1:] %}
    {{- '<|start_header_id|>user<|end_header_id|>\\n\\n' }}
    {{- 'Given the following functions, please respond with a JSON for a function call ' }}
    {{- 'with its proper arguments that best answers the given prompt.\\n\\n' }}
    {{- declared() }}
    {{- question + '<|eot_id|>' }}
{%- endif %}

{%- for message in rest %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if message.tool_calls | length != 1 %}
            {{- raise_exception('Only one call at a time.') }}
        {%- endif %}
        {%- set called = message.tool_calls[0].function %}
        {{- '${llama3Head}' }}
        {%- if builtin_tools is defined and called.name in builtin_tools %}
            {{- '<|python_tag|>' + called.name + '.call(' }}
            {%- for name, value in called.arguments | items %}
                {{- name + '="' + value + '"' }}
                {%- if not loop.last %}
                    {{- ', ' }}
                {%- endif %}
            {%- endfor %}
            {{- ')' }}
        {%- else %}
            {{- '{"name": "' + called.name + '", "parameters": ' + called.arguments | tojson + '}' }}
        {%- endif %}
        {{- '<|eom_id|>' if builtin_tools is defined else '<|eot_id|>' }}
    {%- else %}
        {{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- '<|eot_id|>' }}
    {%- endif %}
{%- endfor %}
${prompt(llama3Head)}`;

const thoughts = `{% for message in messages %}
    {%- set text = message.content %}
    {%- if message.role == 'assistant' and '</think>' in text %}
        {%- set text = text.split('</think>')[-1].lstrip('\\n') %}
    {%- endif %}
    {{- '<|im_start|>' + message.role + '\\n' + text + '<|im_end|>\\n' }}
{%- endfor %}
${prompt('<|im_start|>assistant\\n')}`;

const tool = (name, description, properties) => ({
  type: 'function',
  function: {
    name,
    description,
    parameters: { type: 'object', properties, required: Object.keys(properties).slice(0, 1) },
  },
});
const tools = [
  tool('get_current_weather', 'The weather of a place now, in degrees Celsius.', {
    location: { type: 'string', description: 'A city and its country: "Zürich, CH"' },
    unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
  }),
  tool('search_notes', "Searches the user's notes.", {
    query: { type: 'string', description: 'What to look for' },
    limit: { type: 'integer', description: 'How many to give at most' },
    tags: { type: 'array', items: { type: 'string' }, description: 'Only notes with one of these' },
  }),
  tool('send_message', 'Sends a message to somebody.', {
    to: { type: 'string', description: 'An address' },
    text: { type: 'string', description: 'The message' },
  }),
];

/** name -> the template and the variables it is rendered with, beside the messages. */
export const templates = {
  chatml: { source: chatml, variables: {} },
  llama3: { source: llama3, variables: { bos_token: '<|begin_of_text|>' } },
  llama31: { source: llama31, variables: { bos_token: '<|begin_of_text|>', tools, date_string: '14 Mar 2026' } },
  thoughts: { source: thoughts, variables: {} },
};
