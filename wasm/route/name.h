// How sentences about a server call it: `space:company` is "company Space", `router` "Hugging Face router", `openai`
// "OpenAI-compatible provider", `mock` "mock provider"; any other id is its own name.
#pragma once

#include <string>
#include <string_view>

namespace tierwise::route {

bool is_space(std::string_view target);
std::string target_name(std::string_view target);

}  // namespace tierwise::route
