/**
 * What goes into each Python environment: exact versions, so that every machine runs the same servers.
 * `python` bounds the interpreter: `below` is the first minor version that no longer works.
 */
import { readFileSync } from 'node:fs';

/** The Space in models/space, and the newest Gradio the transports are tested against. */
export const gradio6 = { packages: ['gradio==6.31.0'], python: { min: [3, 10] } };
export const space = gradio6;

export const gradio5 = { packages: ['gradio==5.50.0'], python: { min: [3, 10] } };

/** Gradio 4 needs older web libraries than it asks for, and the `audioop` module that Python 3.13 removed. */
export const gradio4 = {
  packages: ['gradio==4.44.1', 'huggingface_hub==0.36.2', 'fastapi==0.115.6', 'starlette==0.41.3', 'pydantic==2.10.6'],
  python: { min: [3, 10], below: [3, 13] },
};

/** llama.cpp's own server, and the library that writes the small model it is tested with. */
export const llamacpp = { packages: ['xllamacpp==2026.10.11549', 'gguf==0.19.0'], python: { min: [3, 10] } };

const pinsOf = (suite) =>
  readFileSync(new URL(`../tests/${suite}/requirements.txt`, import.meta.url), 'utf8')
    .trim()
    .split(/\r?\n/);

/** Python's own Jinja2, which chat templates are compared with. */
export const jinja = { packages: pinsOf('jinja'), python: { min: [3, 10] } };

/** Hugging Face's tokenizers, which ours is compared with, and which its Unicode tables are made from. */
export const wordpiece = { packages: pinsOf('wordpiece'), python: { min: [3, 10] } };
