// The server protocols whose replies the core reads; the numbers cross the boundary (js/core.ts).
#pragma once

namespace tierwise::reply {

enum class Protocol {
  kOpenAI = 0,    // chat.completion(.chunk): OpenAI, vLLM, llama.cpp, TGI, the HF router
  kTgi = 1,       // /generate, /generate_stream
  kLlamaCpp = 2,  // native /completion
  kPlain = 3,     // POST {endpoint} {inputs, parameters} -> {generated_text}, or an array of it, or a stream
};

}  // namespace tierwise::reply
