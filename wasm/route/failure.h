// What a failed call means: facts of the page -> a class, a sentence for people, and whether the same call can help.
//
// Pure; knows nothing of a target's past (route/health does). The facts are those of FailureFacts in js/core-types.ts.
// Decided in this order: abort; the Space's runtime stage, when it was looked up and is not running; what the page itself
// found (redirect, too large, timeout, no network, own limits, no token, an answer it cannot use); a cut stream and what
// breaks the protocol; of what the server said a 401, a 402 or a web page, then its words, its types, the HTTP status.
//
// - A 4xx other than 408, 409, 425, 429 is never retryable, whatever it says.
// - A 401 or 403 of a Space does not tell a wrong token from a Space that does not exist (the Hub answers 401 for both).
// - `context-length` may go to the next target, whose window may be larger; `content-refused` may not.
// - "Loading model" (llama.cpp) is `building`, but the server answers, so the same call is retried, nothing is woken.
// - Messages hold no secret. Of a server's words they quote at most kMaxQuoted characters (route/server_text); the
//   page's own sentences stand in full, whoever made them bounds what they quote (reply/body.h).
// Sources: protocols of gradio, the `spaces` package (zero/client.py), TGI, TEI, llama.cpp, vLLM and the Hub.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::route {

enum class FailureClass {
  kRateLimit,
  kQuota,
  kAsleep,
  kBuilding,
  kPaused,
  kBroken,
  kMissing,
  kOverloaded,
  kAuth,
  kBadRequest,
  kContextLength,
  kContentRefused,
  kNetwork,
  kTimeout,
  kCutStream,
  kTooLarge,
  kAppError,
  kProtocol,
  kRedirect,
  kAbort,
};

// As js/core-types.ts spells it.
std::string_view failure_class_name(FailureClass failure_class);

enum class FailureKind {
  kHttp,
  kNetwork,
  kTimeout,
  kAbort,
  kCut,
  kApp,
  kProtocol,
  kTooLarge,
  kStage,
  kRedirect,
  kQuota,
  kToken
};

// Texts are views into what was read.
struct FailureFacts {
  FailureKind kind = FailureKind::kNetwork;
  std::optional<int> status = {};
  std::string_view phase = {};  // of a timeout: total, first-chunk, stall
  std::string_view retry_after = {};
  std::string_view rate_limit = {};
  std::string_view content_type = {};
  std::string_view error_code = {};     // x-error-code, of the Hub
  std::string_view error_message = {};  // x-error-message
  std::string_view body = {};
  std::string_view title = {};
  std::string_view message = {};
  std::string_view type = {};
  std::string_view stage = {};  // empty: not looked up
};

// Error code "invalid-input" naming the field under `facts`.
Result<FailureFacts> read_failure_facts(const json& facts);

struct Failure {
  FailureClass failure_class = FailureClass::kAppError;
  std::string message = {};
  // The same call to the same target may succeed.
  bool retryable = false;
  // How long the server asks to wait, ms, when it says.
  std::optional<double> wait_ms = {};
  // The runtime stage decided.
  bool by_stage = false;
  // The target had no part in it: the caller's abort, this page's own limits, a token that could not be had.
  bool ours = false;
};

Failure classify(const FailureFacts& facts, std::string_view target, double now);

}  // namespace tierwise::route
