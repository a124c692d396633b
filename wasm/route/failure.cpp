#include "route/failure.h"

#include <algorithm>

#include "base/field_reader.h"
#include "base/text.h"
#include "base/words.h"
#include "reply/error_body.h"
#include "route/name.h"
#include "route/phrase.h"
#include "route/server_text.h"
#include "route/stage.h"
#include "route/wait_text.h"

namespace tierwise::route {
namespace {

using enum FailureClass;

// Of server text searched for known words.
constexpr std::size_t kSearchedBytes = 8192;

enum class Quote { kNo, kYes };

// A class with the two halves of its message: what the target did, and what to do about it. The advice gives way to
// "Try again in …" when the server said when.
struct Judgement {
  FailureClass failure_class;
  bool retryable;
  std::string_view what;
  std::string_view advice;
  Quote quote = Quote::kNo;
};

constexpr std::string_view kSoon = "Try again in a moment.";
constexpr std::string_view kChangeRequest = "Change the request.";
constexpr std::string_view kTellOwner = "If it stays so, its owner must look into it.";

constexpr Judgement kNoGpu = {kOverloaded, true, "found no free GPU in time.", "Try again in a minute."};
constexpr Judgement kGpuFull = {kOverloaded, true, "has no GPU capacity left at the moment.",
                                "Try again in a few minutes."};
constexpr Judgement kGpuQuota = {kQuota, false, "has used up your GPU time.",
                                 "Sign in to Hugging Face for more, or try again later.", Quote::kYes};
constexpr Judgement kGpuTooLong = {kAppError, false, "asks for more GPU time than one call may use.",
                                   "Its owner must ask for less.", Quote::kYes};
constexpr Judgement kGpuTrouble = {kOverloaded, true, "got no GPU because Hugging Face's scheduler failed.", kSoon};
constexpr Judgement kGpuWorker = {kAppError, true, "lost its GPU while working.", kSoon, Quote::kYes};
constexpr Judgement kProxyToken = {kAppError, true, "was called with a pass that had run out.", kSoon};
constexpr Judgement kCredits = {kQuota, false, "has no credits left for this account.",
                                "Add credits, or use another provider.", Quote::kYes};
constexpr Judgement kQuotaUsed = {kQuota, false, "has no quota left for this account.",
                                  "Raise the quota, or try again later.", Quote::kYes};
constexpr Judgement kRateLimited = {kRateLimit, true, "gets more requests than it allows.", kSoon};
constexpr Judgement kQueueFull = {kOverloaded, true, "has a full queue.", kSoon};
constexpr Judgement kQueueStopped = {kOverloaded, true, "takes no calls because its queue is stopped.", kSoon};
constexpr Judgement kBusy = {kOverloaded, true, "is overloaded.", kSoon};
constexpr Judgement kUnavailable = {kOverloaded, true, "is not available at the moment.", kSoon};
constexpr Judgement kErrorPage = {kOverloaded, true, "answered with an error page.", kSoon};
constexpr Judgement kOutOfMemory = {kOverloaded, true, "ran out of memory for this call.",
                                    "Try again, or shorten the prompt."};
constexpr Judgement kLoading = {kBuilding, true, "is loading its model.", kSoon};
constexpr Judgement kSessionLost = {kCutStream, true, "lost the session, as servers do when they restart.", kSoon};
constexpr Judgement kServerStopped = {kCutStream, true, "stopped while it was answering.", kSoon};
constexpr Judgement kContext = {kContextLength, false, "takes shorter prompts than this one.",
                                "Shorten the prompt, the history or the context, or ask for fewer tokens.",
                                Quote::kYes};
constexpr Judgement kRefused = {kContentRefused, false, "refused the content of this request.", "Word it differently.",
                                Quote::kYes};
constexpr Judgement kBadInput = {kBadRequest, false, "could not use this request.", kChangeRequest, Quote::kYes};
constexpr Judgement kNotFound = {kMissing, false, "has no such address or model.",
                                 "Check the URL, the endpoint and the model.", Quote::kYes};
constexpr Judgement kServerError = {kAppError, true, "failed with an error of its own.", kTellOwner, Quote::kYes};
constexpr Judgement kGeneration = {kAppError, true, "failed while it was generating.", kTellOwner, Quote::kYes};
constexpr Judgement kAppSaid = {kAppError, false, "answered with an error.",
                                "Change the request; if it stays so, its owner must look into it.", Quote::kYes};
constexpr Judgement kAppSilent = {kAppError, true, "failed without saying why.",
                                  "Its owner finds the reason in its logs (Gradio: launch with show_error=True)."};
constexpr Judgement kWebPage = {kProtocol, false, "answered with a web page instead of data.",
                                "Check that its address points to a model server."};
constexpr Judgement kMalformed = {kProtocol, false, "answered in a way that could not be understood.",
                                  "Check its address and the protocol setting.", Quote::kYes};
constexpr Judgement kUnreachable = {kNetwork, true, "could not be reached.",
                                    "Check the network connection and its address; a server that does not allow this "
                                    "page's origin (CORS) looks the same."};
constexpr Judgement kCutReply = {kCutStream, true, "broke off in the middle of its reply.", kSoon};
constexpr Judgement kSlowRequest = {kTimeout, true, "gave up waiting.", kSoon};
constexpr Judgement kTotalTimeout = {kTimeout, true, "did not finish in the time allowed.",
                                     "Try again, or allow more time (timeouts.total)."};
constexpr Judgement kFirstChunkTimeout = {kTimeout, true, "did not begin to answer in the time allowed.",
                                          "Try again, or allow more time (timeouts.firstChunk)."};
constexpr Judgement kStallTimeout = {kTimeout, true, "went silent in the middle of its reply.",
                                     "Try again, or allow more time (timeouts.stall)."};
constexpr Judgement kReplyTooLarge = {kTooLarge, false, "sent a larger reply than allowed.",
                                      "Ask for a shorter reply, or raise maxReplyBytes."};
constexpr Judgement kRequestTooLarge = {kTooLarge, false, "refused the request as too large.",
                                        "Shorten the prompt, the history or the context.", Quote::kYes};
constexpr Judgement kRedirected = {kRedirect, false, "sent the call on to another address.",
                                   "Redirects are not followed, so that tokens and prompts stay where they belong: "
                                   "set the final address."};
constexpr Judgement kSpaceAuth = {kAuth, false, "is private or does not exist.",
                                  "Check its address, and give a token that may read it."};
constexpr Judgement kSpaceForbidden = {kAuth, false, "does not let this page or token in.",
                                       "Check its address, and that the token may use it."};
constexpr Judgement kRouterAuth = {kAuth, false, "did not accept the call.",
                                   "Sign in, or give a token that may \"Make calls to Inference Providers\"."};
constexpr Judgement kProviderAuth = {kAuth, false, "did not accept the call.",
                                     "Check that its token is set, valid and allowed to use this model."};

// What servers say, in lower case. The first that is found decides, so the narrower ones stand first: texts about the
// queue of ZeroGPU mention quotas too.
struct Saying {
  std::string_view fragments;  // with | between them
  const Judgement* judgement;
};
constexpr Saying kSayings[] = {
    // ZeroGPU (spaces/zero/client.py).
    {"no gpu was available after|zerogpu queue timeout", &kNoGpu},
    {"space app has reached its gpu limit", &kGpuFull},
    {"expired zerogpu proxy token", &kProxyToken},
    {"zerogpu illegal duration", &kGpuTooLong},
    {"zerogpu api /schedule error", &kGpuTrouble},
    {"exceeded your free zerogpu quota|exceeded your pro zerogpu quota|exceeded your zerogpu|"
     "exceeded your gpu quota|zerogpu quota exceeded",
     &kGpuQuota},
    {"zerogpu pending credits exceeded", &kCredits},
    {"s requested vs. |s left vs. ", &kGpuQuota},
    {"zerogpu worker error", &kGpuWorker},
    // Gradio.
    {"queue is full", &kQueueFull},
    {"queue is stopped", &kQueueStopped},
    {"404: session not found|session not found", &kSessionLost},
    {"server stopped unexpectedly", &kServerStopped},
    {"is greater than maximum value|is less than minimum value|is not in the list of choices", &kBadInput},
    // llama.cpp, and the Hub's former inference API.
    {"loading model|is currently loading|model is loading", &kLoading},
    // Too long a prompt: llama.cpp, vLLM and OpenAI, TGI, others.
    {"exceed_context_size_error|context_length_exceeded|exceeds the available context size|"
     "maximum context length|context window|exceeds the context|longer than the model's context|"
     "`max_new_tokens` must be <=|`inputs` must have less than|maximum allowed input length|"
     "prompt is too long|input is too long|reduce the length of the",
     &kContext},
    // Refused content: OpenAI, Azure, others.
    {"content_policy|content policy|content_filter|content filter|content management policy|"
     "responsibleaipolicyviolation|moderation_blocked|flagged by moderation|usage policies|"
     "safety system|invalid_prompt",
     &kRefused},
    // Money and quotas.
    {"insufficient_quota", &kQuotaUsed},
    {"exceeded your monthly included credits", &kCredits},
    {"exceeded your current quota|quota exceeded", &kQuotaUsed},
    {"insufficient credits|credit balance", &kCredits},
    // Load.
    {"rate limit|rate_limit|too many requests", &kRateLimited},
    {"model is overloaded|overloaded_error|currently overloaded", &kBusy},
    {"out of memory", &kOutOfMemory},
};

// error.type, error_type and error.code, words, of servers that mean something by them (vLLM's are class names: not here).
constexpr Saying kTypes[] = {
    {"overloaded", &kBusy},
    {"unhealthy healthcheck unavailable_error service_unavailable", &kUnavailable},
    {"validation tokenizer empty template_error missing_template_variable tool_error "
     "invalid_request_error not_supported_error",
     &kBadInput},
    {"generation backend incomplete_generation incomplete_generation_stream stream_serialization_error", &kGeneration},
    {"server_error internal_error internal_server_error api_error", &kServerError},
    {"not_found_error model_not_found", &kNotFound},
    {"billing_error", &kCredits},
    // Depends on the target, see auth_judgement.
    {"authentication_error permission_error invalid_api_key unauthorized forbidden", nullptr},
};

const Judgement& auth_judgement(std::string_view target, bool forbidden) {
  if (is_space(target)) return forbidden ? kSpaceForbidden : kSpaceAuth;
  return target == "router" ? kRouterAuth : kProviderAuth;
}

const Judgement& status_judgement(int status, std::string_view target, bool html) {
  switch (status) {
    case 401: return auth_judgement(target, false);
    case 402: return kCredits;
    case 403: return auth_judgement(target, true);
    case 404:
    case 410: return kNotFound;
    case 408:
    case 504: return kSlowRequest;
    case 409:
    case 425: return kBusy;
    case 413: return kRequestTooLarge;
    case 424: return kGeneration;
    case 429: return kRateLimited;
    case 500: return kServerError;
    case 501: return kBadInput;
    case 529: return kBusy;
    case 502:
    case 503: return html ? kErrorPage : kUnavailable;
    default: break;
  }
  if (status >= 520 && status <= 530) return kUnavailable;  // Cloudflare: the server behind it is down or slow
  if (status >= 500) return kServerError;
  if (status >= 400) return kBadInput;
  if (status >= 300) return kRedirected;
  return html ? kWebPage : kMalformed;
}

// RFC 9110 and common use: the 4xx that may pass by themselves.
bool retryable_status(int status) {
  return status < 400 || status >= 500 || status == 408 || status == 409 || status == 425 || status == 429;
}

// What the server said, from the stream and from the body, each part once.
struct ServerWords {
  std::string text;
  std::string title;
  std::string type;
  std::string code;
  std::optional<double> retry_after_ms;
  std::optional<int> status;
  bool html = false;

  bool any() const { return !text.empty() || !title.empty() || !type.empty() || !code.empty(); }
};

std::string_view first_of(std::string_view first, std::string_view second) { return first.empty() ? second : first; }

ServerWords server_words(const FailureFacts& facts) {
  const reply::ErrorBody body = reply::read_error_body(facts.body, facts.content_type);
  ServerWords words;
  // The page's own words about a body that is no JSON would hide the body's.
  const bool from_stream = facts.kind == FailureKind::kApp || facts.kind == FailureKind::kHttp;
  words.text = from_stream ? first_of(facts.message, body.message) : first_of(body.message, facts.message);
  if (words.text.empty()) words.text = facts.error_message;
  words.title = first_of(facts.title, body.title);
  words.type = first_of(facts.type, body.type);
  words.code = first_of(body.code, facts.error_code);
  words.retry_after_ms = body.retry_after_ms;
  words.html = body.html;
  words.status = facts.status;
  if (!words.status && body.status) words.status = static_cast<int>(*body.status);
  return words;
}

const Judgement* by_words(const ServerWords& words) {
  const std::string heard =
      lower_case(fill("{}\n{}\n{}\n{}", {words.title, words.text, words.type, words.code}).substr(0, kSearchedBytes));
  for (const Saying& saying : kSayings) {
    std::size_t start = 0;
    while (start <= saying.fragments.size()) {
      const std::size_t end = std::min(saying.fragments.find('|', start), saying.fragments.size());
      if (heard.find(saying.fragments.substr(start, end - start)) != std::string::npos) return saying.judgement;
      start = end + 1;
    }
  }
  return nullptr;
}

const Judgement* by_type(const ServerWords& words, std::string_view target) {
  const std::string type = lower_case(words.type);
  const std::string code = lower_case(words.code);
  for (const Saying& known : kTypes) {
    if (!has_word(known.fragments, type) && !has_word(known.fragments, code)) continue;
    if (known.judgement != nullptr) return known.judgement;
    return &auth_judgement(target, type == "permission_error" || type == "forbidden");
  }
  return nullptr;
}

const Judgement& judge_server(const FailureFacts& facts, const ServerWords& words, std::string_view target) {
  // Statuses that say more than words: texts of a login page or a proxy mention anything.
  const int status = words.status.value_or(0);
  const bool decided = status == 401 || status == 402 || words.html;
  if (!decided) {
    if (const Judgement* known = by_words(words)) return *known;
    // Of a status that may mean several things, the type tells which.
    if (const Judgement* known = by_type(words, target)) {
      if (status == 0 || status == 400 || status == 422 || status == 424 || status == 429 || status >= 500)
        return *known;
    }
  }
  if (status >= 300) return status_judgement(status, target, words.html);
  if (facts.kind == FailureKind::kApp) return words.any() ? kAppSaid : kAppSilent;
  return status_judgement(status, target, words.html);
}

const Judgement& timeout_judgement(std::string_view phase) {
  if (phase == "first-chunk") return kFirstChunkTimeout;
  return phase == "stall" ? kStallTimeout : kTotalTimeout;
}

FailureClass stage_class(StageState state) {
  switch (state) {
    case StageState::kSleeping: return kAsleep;
    case StageState::kBuilding:
    case StageState::kStarting: return kBuilding;
    case StageState::kPaused: return kPaused;
    case StageState::kMissing: return kMissing;
    default: return kBroken;
  }
}

Failure failure_of(const Judgement& judgement, std::string_view target, std::string_view said,
                   std::optional<double> wait_ms) {
  Failure failure;
  failure.failure_class = judgement.failure_class;
  failure.retryable = judgement.retryable;
  failure.wait_ms = wait_ms;
  failure.message = fill("{} {}", {target_name(target), judgement.what});
  if (judgement.quote == Quote::kYes) {
    const std::string quote = quotable(said);
    if (!quote.empty()) failure.message += fill(" It says: \"{}\"", {quote});
  }
  failure.message +=
      wait_ms && *wait_ms > 0 ? fill(" Try again in {}.", {wait_phrase(*wait_ms)}) : fill(" {}", {judgement.advice});
  return failure;
}

// What the page found out by itself and says in whole sentences, which end in what to do: never cut.
Failure in_own_words(FailureClass failure_class, std::string_view pattern, std::string_view target,
                     std::string_view message, bool ours) {
  Failure failure;
  failure.failure_class = failure_class;
  failure.message = fill(pattern, {target_name(target), quotable(message, std::string_view::npos)});
  failure.ours = ours;
  return failure;
}

bool waits(FailureClass failure_class) {
  return failure_class == kRateLimit || failure_class == kQuota || failure_class == kOverloaded ||
         failure_class == kBuilding;
}

std::optional<FailureKind> kind_named(std::string_view name) {
  const std::size_t position =
      word_position("http network timeout abort cut app protocol too-large stage redirect quota token", name);
  return position == kNoWord ? std::nullopt : std::optional(static_cast<FailureKind>(position));
}

}  // namespace

std::string_view failure_class_name(FailureClass failure_class) {
  return word_at(
      "rate-limit quota asleep building paused broken missing overloaded auth bad-request context-length "
      "content-refused "
      "network timeout cut-stream too-large app-error protocol redirect abort",
      static_cast<std::size_t>(failure_class));
}

Result<FailureFacts> read_failure_facts(const json& facts) {
  FieldReader reader(facts, "facts.");
  const std::string_view name = reader.string("kind");
  if (reader.failed()) return reader.take_problem();
  const auto kind = kind_named(name);
  if (!kind) {
    return refusal(
        "invalid-input", "facts.kind",
        "must be one of http, network, timeout, abort, cut, app, protocol, too-large, stage, redirect, quota, token.");
  }
  FailureFacts read;
  read.kind = *kind;
  if (const auto status = optional_number(facts, "status"); status && *status >= 100 && *status <= 999) {
    read.status = static_cast<int>(*status);
  }
  read.phase = string_or_empty(facts, "phase");
  read.body = string_or_empty(facts, "body");
  read.title = string_or_empty(facts, "title");
  read.message = string_or_empty(facts, "message");
  read.type = string_or_empty(facts, "type");
  read.stage = string_or_empty(facts, "stage");
  if (const json* headers = find_member(facts, "headers")) {
    read.retry_after = string_or_empty(*headers, "retry-after");
    read.rate_limit = string_or_empty(*headers, "ratelimit");
    read.content_type = string_or_empty(*headers, "content-type");
    read.error_code = string_or_empty(*headers, "x-error-code");
    read.error_message = string_or_empty(*headers, "x-error-message");
  }
  return read;
}

Failure classify(const FailureFacts& facts, std::string_view target, double now) {
  if (facts.kind == FailureKind::kAbort) {
    Failure failure;
    failure.failure_class = kAbort;
    failure.message = "The request was cancelled.";
    failure.ours = true;
    return failure;
  }

  const StageState stage = facts.stage.empty() ? StageState::kUnknown : stage_state(facts.stage);
  if (stage != StageState::kUnknown && stage != StageState::kRunning) {
    Failure failure;
    failure.failure_class = stage_class(stage);
    failure.message =
        stage_message(target, facts.stage, facts.kind == FailureKind::kStage ? facts.message : "", std::nullopt);
    failure.by_stage = true;
    return failure;
  }

  switch (facts.kind) {
    case FailureKind::kRedirect: return failure_of(kRedirected, target, {}, std::nullopt);
    case FailureKind::kTooLarge: return failure_of(kReplyTooLarge, target, {}, std::nullopt);
    case FailureKind::kTimeout: return failure_of(timeout_judgement(facts.phase), target, {}, std::nullopt);
    case FailureKind::kNetwork:
    case FailureKind::kStage: return failure_of(kUnreachable, target, {}, std::nullopt);
    case FailureKind::kQuota: {
      Failure failure;
      failure.failure_class = kRateLimit;
      const std::string said = quotable(facts.message);
      failure.message = said.empty() ? fill(
                                           "{} has as many calls from this page as its limits allow. Try again when "
                                           "some have ended.",
                                           {target_name(target)})
                                     : said;
      failure.ours = true;
      return failure;
    }
    case FailureKind::kToken: return in_own_words(kAuth, "{} was not called. {}", target, facts.message, true);
    case FailureKind::kProtocol:
      if (facts.body.empty() && !facts.message.empty()) {
        return in_own_words(kProtocol, "{} gave no answer this page can use. {}", target, facts.message, false);
      }
      break;
    default: break;
  }

  const ServerWords words = server_words(facts);
  const Judgement* judgement = nullptr;
  if (facts.kind == FailureKind::kCut) {
    judgement = words.any() ? by_words(words) : nullptr;
    if (judgement == nullptr) judgement = &kCutReply;
  } else if (facts.kind == FailureKind::kProtocol) {
    judgement = words.html ? &kWebPage : &kMalformed;
  } else {
    judgement = &judge_server(facts, words, target);
  }

  std::optional<double> wait;
  if (waits(judgement->failure_class)) {
    wait = read_retry_after(facts.retry_after, now);
    if (!wait) wait = read_rate_limit(facts.rate_limit);
    if (!wait && words.retry_after_ms) wait = std::clamp(*words.retry_after_ms, 0.0, kLongestWaitMs);
    if (!wait) wait = read_wait_text(words.text);
  }
  const std::string_view said = words.html ? std::string_view() : first_of(words.text, words.title);
  Failure failure = failure_of(*judgement, target, said, wait);
  if (words.status && !retryable_status(*words.status)) failure.retryable = false;
  return failure;
}

}  // namespace tierwise::route
