#include "base/result.h"

#include "base/text.h"

namespace tierwise {

void DeleteError::operator()(const Error* error) const { delete error; }

OwnedError make_error(std::string_view code, std::string_view message, std::string_view field) {
  return OwnedError(new Error{code, std::string(message), std::string(field)});
}

OwnedError refusal(std::string_view code, std::string_view field, std::string_view complaint) {
  return make_error(code, fill("{} {}", {field, complaint}), field);
}

}  // namespace tierwise
