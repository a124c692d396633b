#include "route/name.h"

#include "base/text.h"

namespace tierwise::route {
namespace {

constexpr std::string_view kSpacePrefix = "space:";
// testConnection tries settings that are not routed to under such ids.
constexpr std::string_view kTestPrefix = "test:";

}  // namespace

bool is_space(std::string_view target) {
  return target.size() > kSpacePrefix.size() && target.starts_with(kSpacePrefix);
}

std::string target_name(std::string_view target) {
  if (target.starts_with(kTestPrefix)) target.remove_prefix(kTestPrefix.size());
  if (is_space(target)) return fill("{} Space", {target.substr(kSpacePrefix.size())});
  if (target == "router") return "Hugging Face router";
  if (target == "openai") return "OpenAI-compatible provider";
  if (target == "mock") return "mock provider";
  return std::string(target);
}

}  // namespace tierwise::route
