// What servers really say when a call fails (sources: the protocols of gradio, the `spaces` package, TGI, TEI,
// llama.cpp, vLLM, OpenAI and the Hub) -> the class, whether the same call may be repeated, and the words for people.
#include "route/failure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "route/server_text.h"
#include "route/wait_text.h"

namespace tierwise::route {
namespace {

constexpr double kNow = 1'794'000'000'000;  // 2026-11-06T21:20:00Z
constexpr std::string_view kSpace = "space:company";

Failure classify_json(const json& facts, std::string_view target = kSpace) {
  auto read = read_failure_facts(facts);
  EXPECT_TRUE(bool(read)) << facts.dump();
  return classify(read.value(), target, kNow);
}

struct Row {
  const char* name;
  const char* facts;
  const char* failure_class;
  bool retryable;
  const char* said = "";       // part of the message
  double wait_ms = -1;         // below 0: none
  const char* target = "space:company";
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Classified : public testing::TestWithParam<Row> {};

TEST_P(Classified, AsTheServerMeantIt) {
  const Row& row = GetParam();
  const Failure failure = classify_json(json::parse(row.facts), row.target);
  EXPECT_EQ(failure_class_name(failure.failure_class), row.failure_class) << failure.message;
  EXPECT_EQ(failure.retryable, row.retryable);
  EXPECT_NE(failure.message.find(row.said), std::string::npos) << failure.message;
  EXPECT_EQ(failure.wait_ms.value_or(-1), row.wait_ms) << failure.message;
  EXPECT_TRUE(failure.message.ends_with('.') || failure.message.ends_with('"')) << failure.message;
}

INSTANTIATE_TEST_SUITE_P(ZeroGpu, Classified, testing::Values(
    Row{"free quota", R"json({"kind":"app","title":"ZeroGPU quota exceeded","message":"You have exceeded your free ZeroGPU quota (60s requested vs. 56s left). Try again in 23:14:07. Authenticate with a Hugging Face token for more quota - <a href=\"x\">docs</a>"})json",
        "quota", false, "Try again in 24 h.", ((23 * 60 + 14) * 60 + 7) * 1000.0},
    Row{"pro quota", R"json({"kind":"app","message":"You have exceeded your Pro ZeroGPU quota (60s requested vs. 0s left). Try again in 1 day, 2:03:04."})json",
        "quota", false, "", 86'400'000},  // bounded to a day
    Row{"plain quota", R"json({"kind":"app","message":"You have exceeded your ZeroGPU quota (60s requested vs. 56s left)."})json", "quota", false},
    Row{"runs", R"json({"kind":"app","message":"You have exceeded your ZeroGPU runs limit. "})json", "quota", false},
    Row{"old, with HTML", R"json({"kind":"app","message":"You have exceeded your GPU quota (60s requested vs. 56s left). <a href=\"https://huggingface.co/join\" style=\"x\">Create a free account</a> to get more"})json",
        "quota", false, "left). Create a free account to get more\""},
    Row{"older order", R"json({"kind":"app","message":"You have exceeded your usage (46s left vs. 60s requested), please retry in 0:09:48"})json",
        "quota", false, "Try again in 10 min.", 588'000},
    Row{"queue timeout", R"json({"kind":"app","title":"ZeroGPU queue timeout","message":"No GPU was available after 60s. Retry later"})json", "overloaded", true},
    Row{"queue timeout before quota", R"json({"kind":"app","title":"ZeroGPU quota exceeded","message":"No GPU was available after 60s. Log in for more quota"})json", "overloaded", true},
    Row{"queue timeout by title", R"json({"kind":"app","title":"ZeroGPU queue timeout"})json", "overloaded", true},
    Row{"capacity", R"json({"kind":"app","message":"Space app has reached its GPU limit. Try re-running outside of examples if it happened after clicking one"})json", "overloaded", true},
    Row{"proxy token", R"json({"kind":"app","title":"ZeroGPU client error","message":"Expired ZeroGPU proxy token"})json", "app-error", true},
    Row{"schedule", R"json({"kind":"app","message":"ZeroGPU API /schedule error: 502 Bad Gateway"})json", "overloaded", true},
    Row{"duration", R"json({"kind":"app","title":"ZeroGPU illegal duration","message":"The requested GPU duration (600s) is larger than the maximum allowed"})json", "app-error", false, "owner must ask for less"},
    Row{"worker", R"json({"kind":"app","title":"ZeroGPU worker error","message":"RuntimeError"})json", "app-error", true},
    Row{"pending credits", R"json({"kind":"app","title":"ZeroGPU pending credits exceeded","message":"Too much is pending"})json", "quota", false}));

INSTANTIATE_TEST_SUITE_P(Gradio, Classified, testing::Values(
    Row{"queue full", R"json({"kind":"http","status":503,"body":"{\"detail\":\"Queue is full. Max size is 10 and size is 10.\"}"})json", "overloaded", true, "company Space has a full queue."},
    Row{"queue stopped", R"json({"kind":"http","status":503,"body":"{\"detail\":\"Queue is stopped.\"}"})json", "overloaded", true},
    Row{"validation list", R"json({"kind":"http","status":422,"body":"{\"detail\":[{\"loc\":[\"body\",\"data\"],\"msg\":\"Field required\",\"type\":\"missing\"}]}"})json", "bad-request", false, "Field required"},
    Row{"missing session hash", R"json({"kind":"http","status":400,"body":"{\"detail\":\"Session hash not found.\"}"})json", "bad-request", false},
    Row{"unknown function", R"json({"kind":"http","status":500,"headers":{"content-type":"text/plain"},"body":"Traceback (most recent call last):\n KeyError"})json", "app-error", true},
    Row{"app error with words", R"json({"kind":"app","title":"Error","message":"Nope: bad input"})json", "app-error", false, "It says: \"Nope: bad input\""},
    Row{"app error without", R"json({"kind":"app"})json", "app-error", true, "without saying why"},
    Row{"slider", R"json({"kind":"app","message":"Value 1000 is greater than maximum value 64."})json", "bad-request", false},
    Row{"session, gradio 4", R"json({"kind":"app","message":"404: Session not found."})json", "cut-stream", true},
    Row{"server stopped", R"json({"kind":"app","message":"Server stopped unexpectedly."})json", "cut-stream", true},
    Row{"out of memory", R"json({"kind":"app","message":"CUDA out of memory. Tried to allocate 2 GiB"})json", "overloaded", true}));

INSTANTIATE_TEST_SUITE_P(ModelServers, Classified, testing::Values(
    Row{"llama.cpp loading", R"json({"kind":"http","status":503,"body":"{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"})json", "building", true, "is loading its model"},
    Row{"former inference API", R"json({"kind":"http","status":503,"body":"{\"error\":\"Model x/y is currently loading\",\"estimated_time\":20.0}"})json", "building", true, "Try again in 20 s.", 20'000},
    Row{"llama.cpp context", R"json({"kind":"http","status":400,"body":"{\"error\":{\"code\":400,\"message\":\"request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":13392,\"n_ctx\":8192}}"})json", "context-length", false, "8192 tokens"},
    Row{"context by type alone", R"json({"kind":"app","type":"exceed_context_size_error"})json", "context-length", false},
    Row{"OpenAI context", R"json({"kind":"http","status":400,"body":"{\"error\":{\"message\":\"This model's maximum context length is 8192 tokens.\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}"})json", "context-length", false},
    Row{"TGI context", R"json({"kind":"http","status":422,"body":"{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3000\",\"error_type\":\"validation\"}"})json", "context-length", false},
    Row{"TGI validation in a stream", R"json({"kind":"app","message":"Input validation error: `temperature` must be positive","type":"validation"})json", "bad-request", false},
    Row{"TGI template", R"json({"kind":"http","status":422,"body":"{\"error\":\"Template error: template not found\",\"error_type\":\"template_error\"}"})json", "bad-request", false, "template not found"},
    Row{"TGI plain text", R"json({"kind":"http","status":422,"headers":{"content-type":"text/plain"},"body":"Failed to deserialize the JSON body into the target type: missing field `messages` at line 1 column 144"})json", "bad-request", false, "missing field"},
    Row{"TGI overloaded", R"json({"kind":"http","status":429,"body":"{\"error\":\"Model is overloaded\",\"error_type\":\"overloaded\"}"})json", "overloaded", true},
    Row{"TGI generation", R"json({"kind":"http","status":424,"body":"{\"error\":\"Request failed during generation\",\"error_type\":\"generation\"}"})json", "app-error", false},
    Row{"generation in a stream", R"json({"kind":"app","message":"Request failed during generation","type":"generation"})json", "app-error", true},
    Row{"TEI overloaded", R"json({"kind":"http","status":429,"body":"{\"error\":\"busy\",\"error_type\":\"Overloaded\"}"})json", "overloaded", true},
    Row{"vLLM class name", R"json({"kind":"http","status":404,"body":"{\"error\":{\"message\":\"The model `x` does not exist.\",\"type\":\"NotFoundError\",\"param\":null,\"code\":404}}"})json", "missing", false, "does not exist"},
    Row{"vLLM flat", R"json({"kind":"http","status":400,"body":"{\"object\":\"error\",\"message\":\"n must be 1\",\"type\":\"BadRequestError\",\"code\":400}"})json", "bad-request", false, "n must be 1"},
    Row{"in-stream 500", R"json({"kind":"app","status":500,"message":"boom","type":"server_error"})json", "app-error", true},
    Row{"in-stream 400", R"json({"kind":"app","status":400,"message":"bad sampler","type":"invalid_request_error"})json", "bad-request", false},
    Row{"in-stream key", R"json({"kind":"app","message":"Invalid API Key","type":"authentication_error"})json", "auth", false, "token", -1, "openai"},
    Row{"OpenAI quota", R"json({"kind":"http","status":429,"body":"{\"error\":{\"message\":\"You exceeded your current quota, please check your plan and billing details.\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"})json", "quota", false, "", -1, "openai"},
    Row{"OpenAI rate", R"json({"kind":"http","status":429,"body":"{\"error\":{\"message\":\"Rate limit reached for tokens. Please try again in 1.5s.\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}"})json", "rate-limit", true, "Try again in 2 s.", 1500, "openai"},
    Row{"OpenAI policy", R"json({"kind":"http","status":400,"body":"{\"error\":{\"message\":\"Your request was rejected\",\"type\":\"invalid_request_error\",\"code\":\"content_policy_violation\"}}"})json", "content-refused", false, "refused the content", -1, "openai"},
    Row{"Azure filter", R"json({"kind":"http","status":400,"body":"{\"error\":{\"message\":\"The response was filtered due to the prompt triggering Azure OpenAI's content management policy.\",\"code\":\"content_filter\"}}"})json", "content-refused", false},
    Row{"router credits", R"json({"kind":"http","status":402,"body":"{\"error\":\"You have exceeded your monthly included credits for Inference Providers. Subscribe to PRO to get 20x more monthly included credits.\"}"})json", "quota", false, "Add credits", -1, "router"},
    Row{"router sign-in", R"json({"kind":"http","status":401,"body":"{\"error\":\"Invalid username or password.\"}"})json", "auth", false, "Make calls to Inference Providers", -1, "router"}));

INSTANTIATE_TEST_SUITE_P(Statuses, Classified, testing::Values(
    Row{"400", R"json({"kind":"http","status":400})json", "bad-request", false},
    Row{"401 of a Space", R"json({"kind":"http","status":401,"body":"{\"error\":\"Invalid username or password.\"}"})json", "auth", false, "is private or does not exist"},
    Row{"401 page", R"json({"kind":"http","status":401,"headers":{"content-type":"text/html"},"body":"<html><title>Sign in: rate limit, queue is full</title></html>"})json", "auth", false, "is private or does not exist"},
    Row{"402", R"json({"kind":"http","status":402})json", "quota", false},
    Row{"403", R"json({"kind":"http","status":403})json", "auth", false},
    Row{"404", R"json({"kind":"http","status":404,"body":"{\"detail\":\"Not Found\"}"})json", "missing", false, "Check the URL"},
    Row{"405", R"json({"kind":"http","status":405})json", "bad-request", false},
    Row{"408", R"json({"kind":"http","status":408})json", "timeout", true},
    Row{"409", R"json({"kind":"http","status":409})json", "overloaded", true},
    Row{"410", R"json({"kind":"http","status":410})json", "missing", false},
    Row{"413", R"json({"kind":"http","status":413})json", "too-large", false, "Shorten the prompt"},
    Row{"422", R"json({"kind":"http","status":422})json", "bad-request", false},
    Row{"425", R"json({"kind":"http","status":425})json", "overloaded", true},
    Row{"429", R"json({"kind":"http","status":429})json", "rate-limit", true},
    Row{"429 seconds", R"json({"kind":"http","status":429,"headers":{"retry-after":"30"}})json", "rate-limit", true, "Try again in 30 s.", 30'000},
    Row{"429 date", R"json({"kind":"http","status":429,"headers":{"retry-after":"Fri, 06 Nov 2026 21:21:30 GMT"}})json", "rate-limit", true, "", 90'000},
    Row{"429 of the Hub", R"json({"kind":"http","status":429,"headers":{"ratelimit":"\"api\";r=0;t=55"}})json", "rate-limit", true, "Try again in 55 s.", 55'000},
    Row{"431", R"json({"kind":"http","status":431})json", "bad-request", false},
    Row{"500", R"json({"kind":"http","status":500})json", "app-error", true},
    Row{"500 HTML", R"json({"kind":"http","status":500,"body":"<!doctype html><html><head><title>500</title></head></html>"})json", "app-error", true},
    Row{"501", R"json({"kind":"http","status":501})json", "bad-request", false},
    Row{"502", R"json({"kind":"http","status":502})json", "overloaded", true},
    Row{"503", R"json({"kind":"http","status":503})json", "overloaded", true},
    Row{"503 HTML of hf.space", R"json({"kind":"http","status":503,"headers":{"content-type":"text/html; charset=utf-8"},"body":"<html><body>Your space is in error</body></html>"})json", "overloaded", true, "error page"},
    Row{"503 later", R"json({"kind":"http","status":503,"headers":{"retry-after":"7"}})json", "overloaded", true, "Try again in 7 s.", 7000},
    Row{"504", R"json({"kind":"http","status":504})json", "timeout", true},
    Row{"522", R"json({"kind":"http","status":522})json", "overloaded", true},
    Row{"529", R"json({"kind":"http","status":529,"body":"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}"})json", "overloaded", true},
    Row{"session not found as a 404 is not retried", R"json({"kind":"http","status":404,"body":"{\"detail\":\"404: Session not found.\"}"})json", "cut-stream", false}));

INSTANTIATE_TEST_SUITE_P(Kinds, Classified, testing::Values(
    Row{"abort", R"json({"kind":"abort","stage":"SLEEPING"})json", "abort", false, "cancelled"},
    Row{"network", R"json({"kind":"network","message":"Failed to fetch"})json", "network", true, "could not be reached"},
    Row{"network, running", R"json({"kind":"network","stage":"RUNNING"})json", "network", true},
    Row{"network, asleep", R"json({"kind":"network","message":"Failed to fetch","stage":"SLEEPING"})json", "asleep", false, "waking up"},
    Row{"503, paused", R"json({"kind":"http","status":503,"stage":"PAUSED"})json", "paused", false, "only its owner can restart it"},
    Row{"building", R"json({"kind":"network","stage":"BUILDING"})json", "building", false},
    Row{"starting", R"json({"kind":"network","stage":"APP_STARTING"})json", "building", false},
    Row{"broken", R"json({"kind":"stage","stage":"RUNTIME_ERROR","message":"exit code 1"})json", "broken", false, "Hugging Face"},
    Row{"gone", R"json({"kind":"stage","stage":"MISSING"})json", "missing", false, "not found"},
    Row{"a stage of the future", R"json({"kind":"network","stage":"TELEPORTING"})json", "network", true},
    Row{"total timeout", R"json({"kind":"timeout","phase":"total"})json", "timeout", true, "timeouts.total"},
    Row{"first-chunk timeout", R"json({"kind":"timeout","phase":"first-chunk"})json", "timeout", true, "timeouts.firstChunk"},
    Row{"stall", R"json({"kind":"timeout","phase":"stall"})json", "timeout", true, "timeouts.stall"},
    Row{"cut", R"json({"kind":"cut","message":"The connection broke before the reply was complete."})json", "cut-stream", true},
    Row{"page instead of data", R"json({"kind":"protocol","message":"The server did not answer with JSON.","body":"<!doctype html><title>Hugging Face</title>"})json", "protocol", false, "web page instead of data"},
    Row{"what the page found out", R"json({"kind":"protocol","message":"This Space is a Streamlit app. Use a Gradio Space."})json", "protocol", false, "company Space gave no answer this page can use. This Space is a Streamlit app. Use a Gradio Space."},
    Row{"a long sentence of the page", R"json({"kind":"protocol","message":"Expected this and that and much more than that, and after it still more, so that the sentence becomes long, as long as it takes: one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty twenty-one twenty-two twenty-three twenty-four twenty-five twenty-six twenty-seven twenty-eight twenty-nine thirty thirty-one thirty-two thirty-three thirty-four thirty-five thirty-six thirty-seven thirty-eight thirty-nine forty forty-one forty-two forty-three forty-four forty-five forty-six forty-seven forty-eight forty-nine fifty fifty-one fifty-two. The token was hf_AbCdEf123456. Check the address."})json", "protocol", false, "fifty-two. The token was [redacted]. Check the address."},
    Row{"the token function", R"json({"kind":"token","message":"The token function of this target failed: no session."})json", "auth", false, "company Space was not called. The token function of this target failed: no session."},
    Row{"nonsense", R"json({"kind":"protocol","body":"{\"half\":"})json", "protocol", false, "could not be understood"},
    Row{"reply too large", R"json({"kind":"too-large"})json", "too-large", false, "maxReplyBytes"},
    Row{"redirect", R"json({"kind":"redirect","status":302})json", "redirect", false, "final address"},
    Row{"own limits", R"json({"kind":"quota","message":"company Space already has 4 calls running from this page."})json", "rate-limit", false, "already has 4"}));

TEST(Failure, StageWordsOfTheFetchAreNotTheHubs) {
  const Failure failure = classify_json({{"kind", "network"}, {"message", "Failed to fetch"}, {"stage", "PAUSED"}});
  EXPECT_EQ(failure.message.find("Failed to fetch"), std::string::npos) << failure.message;
}

TEST(Failure, No4xxButFourIsEverRetryable) {
  const std::vector<std::string> bodies = {"", R"({"detail":"Queue is full."})", R"({"error":"Loading model"})",
                                           R"({"error":"rate limit","error_type":"overloaded"})", "<html></html>"};
  for (int status = 400; status < 500; ++status) {
    for (const std::string& body : bodies) {
      const Failure failure = classify_json({{"kind", "http"}, {"status", status}, {"body", body}});
      if (status == 408 || status == 409 || status == 425 || status == 429) continue;
      EXPECT_FALSE(failure.retryable) << status << " " << body;
    }
  }
}

TEST(Failure, MalformedFactsNameTheField) {
  for (const json& facts : {json::object(), json{{"kind", 3}}, json{{"kind", "gremlins"}}, json("text"), json(nullptr)}) {
    auto read = read_failure_facts(facts);
    ASSERT_FALSE(bool(read)) << facts.dump();
    EXPECT_EQ(read.error().code, "invalid-input");
    EXPECT_EQ(read.error().field, "facts.kind");
  }
  // Wrong types inside are taken as absent: they come from servers.
  auto read = read_failure_facts({{"kind", "http"}, {"status", "503"}, {"headers", 4}, {"body", {1, 2}}});
  ASSERT_TRUE(bool(read));
  EXPECT_FALSE(read.value().status.has_value());
}

TEST(Failure, AnyBodyOfAnyStatusIsClassified) {
  std::string all_bytes;
  for (int c = 1; c < 128; ++c) all_bytes += static_cast<char>(c);
  const std::vector<std::string> bodies = {"", "{", "[]", "null", "{\"error\":null}", all_bytes, std::string(3000, '['),
                                           std::string(3000, '<'), std::string(100, '\x01'), "é😀"};
  for (const char* kind : {"http", "app", "protocol", "cut"}) {
    for (int status = 100; status < 1000; status += 31) {
      for (const std::string& body : bodies) {
        const Failure failure = classify_json({{"kind", kind}, {"status", status}, {"body", body}, {"message", body}});
        EXPECT_FALSE(failure.message.empty());
        EXPECT_LT(failure.message.size(), 2000U);
      }
    }
  }
}

TEST(Failure, BodiesOf64KiBAreReadInBoundedTime) {
  for (const char filler : {'[', '<', '{', '"', ' ', 'h', '\\', '&'}) {
    const Failure failure = classify_json({{"kind", "http"}, {"status", 500}, {"body", std::string(65536, filler)}});
    EXPECT_LT(failure.message.size(), 2000U);
  }
}

// ---- secrets and server text

struct Redaction {
  const char* text;
  const char* clean;
};

TEST(ServerText, SecretsAreCutOut) {
  for (const Redaction& row : std::vector<Redaction>{
           {"token hf_AbCdEf123456 is bad", "token [redacted] is bad"},
           {"hf_abc", "hf_abc"},
           {"key sk-proj-abc_DEF-123456: no", "key [redacted]: no"},
           {"task-management", "task-management"},
           {"Authorization: Bearer abcdef.123456", "Authorization: [redacted]"},
           {"bearer ABCDEF123456,", "[redacted]"},
           {"Basic dXNlcjpwYXNz", "[redacted]"},
           {"Missing Bearer token.", "Missing Bearer token."},
           {"basic settings", "basic settings"},
           {"bearer", "bearer"},
           {"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-x_y ok", "jwt [redacted] ok"},
           {"GET /queue/data?session_hash=abc&__sign=ey.x.y&z=1", "GET /queue/data?session_hash=abc&__sign=[redacted]&z=1"},
           {"https://h/?api_key=12345", "https://h/?api_key=[redacted]"},
           {"sb_secret_abcdef123", "[redacted]"},
           {"hf_AAAAAAAhf_BBBBBBB", "[redacted]_BBBBBBB"}}) {
    EXPECT_EQ(redact(row.text), row.clean);
  }
}

TEST(ServerText, MessagesCarryNoSecretWhereverTheServerPutsIt) {
  const std::string secret = "hf_SecretSecret42";
  for (const char* kind : {"http", "app", "cut", "protocol", "stage", "quota", "network"}) {
    for (const char* stage : {"", "RUNTIME_ERROR", "PAUSED"}) {
      const std::string text = "no " + secret + " and Bearer " + secret + " sk-abcdefghijkl";
      const Failure failure = classify_json({{"kind", kind},
                                             {"status", 422},
                                             {"title", text},
                                             {"message", text},
                                             {"type", secret},
                                             {"stage", stage},
                                             {"headers", {{"x-error-message", text}, {"retry-after", secret}}},
                                             {"body", json{{"error", text}}.dump()}});
      EXPECT_EQ(failure.message.find("Secret42"), std::string::npos) << failure.message;
      EXPECT_EQ(failure.message.find("abcdefghijkl"), std::string::npos) << failure.message;
    }
  }
}

TEST(ServerText, QuotedShortCleanAndWhole) {
  EXPECT_EQ(quotable("  a\r\n\t b  "), "a b");
  EXPECT_EQ(quotable("token hf_Ab<b></b>CdEf123456 is bad"), "token [redacted] is bad");
  EXPECT_EQ(quotable(std::string("a\0b\x1b[31mc\x7f", 10)), "ab[31mc");
  EXPECT_EQ(quotable("a\xC2\x85" "b"), "ab");                      // C1
  EXPECT_EQ(quotable("a\xE2\x80\xAE" "b"), "a b");                 // right-to-left override
  EXPECT_EQ(quotable("see <a href=\"x\">docs</a>"), "see docs");
  EXPECT_EQ(quotable("a < b and <unk> <"), "a < b and <unk> <");
  EXPECT_EQ(quotable("<a"), "<a");
  EXPECT_EQ(quotable("12345", 5), "12345");
  EXPECT_EQ(quotable("123456", 5), "12345…");
  EXPECT_EQ(quotable("日本語日本語", 4), "日本語日…");
  EXPECT_EQ(quotable("😀😀😀", 2), "😀😀…");
  EXPECT_EQ(quotable("\xF0\x9F"), "\xF0\x9F");                     // cut input is not read past
  std::string cut = "x hf_";
  cut += std::string(5000, 'a');
  EXPECT_EQ(quotable(cut), "x [redacted]");
  const std::string long_text(5000, 'y');
  EXPECT_EQ(quotable(long_text).size(), kMaxQuoted + std::string("…").size());
}

// ---- times

TEST(WaitText, Prose) {
  struct Wait {
    const char* text;
    double ms;
  };
  for (const Wait& row : std::vector<Wait>{{"Try again in 23:14:07.", 83'647'000},
                                           {"retry in 0:09:48", 588'000},
                                           {"RETRY IN 0:00:05", 5000},
                                           {"Try again in 1 day, 0:00:00", 86'400'000},
                                           {"try again in 2 days, 1:00:00", 86'400'000},
                                           {"Please try again in 6m0s. Visit", 360'000},
                                           {"try again in 1.5s", 1500},
                                           {"try again in 20ms", 20},
                                           {"try again in 30 seconds", 30'000},
                                           {"try again in 2 minutes 5 seconds", 125'000},
                                           {"try again in 1 hour, please", 3'600'000},
                                           {"try again in a bit, or retry in 3 s", 3000},
                                           {"try again in 99999999999999999999:00:00", 86'400'000}}) {
    ASSERT_TRUE(read_wait_text(row.text).has_value()) << row.text;
    EXPECT_DOUBLE_EQ(*read_wait_text(row.text), row.ms) << row.text;
  }
  for (const char* text : {"", "try again in", "try again in ", "try again in 5", "try again in 5 parsecs",
                           "try again later", "in 0:09:48", "try again in 1:2", "retry in :::"}) {
    EXPECT_FALSE(read_wait_text(text).has_value()) << text;
  }
}

TEST(WaitText, HttpDates) {
  // The three forms of RFC 9110, 5.6.7, with its own example.
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    ASSERT_TRUE(read_http_date(text).has_value()) << text;
    EXPECT_EQ(*read_http_date(text), 784'111'777'000.0) << text;
  }
  EXPECT_EQ(read_http_date("Thu, 29 Feb 2024 00:00:00 GMT"), 1'709'164'800'000.0);
  EXPECT_EQ(read_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0.0);
  for (const char* text : {"", "soon", "Sun, 06 Nov 1994", "06 Nov 08:49:37 GMT", "Sun, 41 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 28:49:37 GMT", "Sun, 06 Nov 99999 08:49:37 GMT",
                           "1 2 3 Nov 08:00:00", "2026-11-06T23:20:00Z", "Sun, 06 Nov 1994 08:49:37 GMT and much more text"}) {
    EXPECT_FALSE(read_http_date(text).has_value()) << text;
  }
}

TEST(WaitText, RetryAfterAndRateLimit) {
  EXPECT_EQ(read_retry_after("120", kNow), 120'000.0);
  EXPECT_EQ(read_retry_after(" 0 ", kNow), 0.0);
  EXPECT_EQ(read_retry_after("1.5", kNow), 1500.0);
  EXPECT_EQ(read_retry_after("999999999999", kNow), kLongestWaitMs);
  EXPECT_EQ(read_retry_after("Fri, 06 Nov 2026 21:20:10 GMT", kNow), 10'000.0);
  EXPECT_EQ(read_retry_after("Fri, 06 Nov 2020 21:20:10 GMT", kNow), 0.0);
  EXPECT_FALSE(read_retry_after("-5", kNow).has_value());
  EXPECT_FALSE(read_retry_after("later", kNow).has_value());
  EXPECT_FALSE(read_retry_after("", kNow).has_value());
  EXPECT_EQ(read_rate_limit(R"("api";r=0;t=55)"), 55'000.0);
  EXPECT_EQ(read_rate_limit(R"("pages";r=4;t=200, "api"; r=0; t=12)"), 12'000.0);
  EXPECT_FALSE(read_rate_limit(R"("api";r=3;t=55)").has_value());
  EXPECT_FALSE(read_rate_limit(R"("api";r=0)").has_value());
  EXPECT_FALSE(read_rate_limit(";;,,r=;t=").has_value());
}

}  // namespace
}  // namespace tierwise::route
