// What a server said in the body of an HTTP error, whatever shape it chose (none of them is promised by anybody).
//
// Promises: never fails; every string is valid UTF-8, trimmed, at most kMaxErrorText bytes (cut at a character), and
// free of HTML tags: of an HTML page only the title is kept. Says nothing about what the error means: that is
// route/failure's part. Bodies past kMaxErrorBody bytes are read up to there only, so they count as plain text.
// Shapes: JSON text, {"error": text | object}, {"message"}, {"detail": text | object | [{loc, msg, type}]},
// problem+json (RFC 9457), {"object": "error"}, error_type, estimated_time, text/plain, HTML, nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace tierwise::reply {

inline constexpr std::size_t kMaxErrorText = 2000;
inline constexpr std::size_t kMaxErrorBody = 65536;

struct ErrorBody {
  std::string message;                        // empty: the server said nothing readable
  std::string title = {};                     // problem+json's title, gradio's title, the <title> of a page
  std::string type = {};                      // error.type, error_type; problem+json's type unless about:blank
  std::string code = {};                      // error.code as text, number or not ("429", "context_length_exceeded")
  std::optional<double> status = {};          // an HTTP status (100 to 599) stated inside the body
  std::optional<double> retry_after_ms = {};  // estimated_time, retry_after: seconds on the wire
  bool html = false;
};

// `content_type` is the header's value, or empty: the body decides then.
ErrorBody read_error_body(std::string_view body, std::string_view content_type);

// The same for a value already parsed (an error inside a reply).
ErrorBody read_error_value(const json& value);

}  // namespace tierwise::reply
