#include "reply/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "reply/piece.h"

namespace tierwise::reply {
namespace {

constexpr Protocol kOpenAI = Protocol::kOpenAI;
constexpr Protocol kTgi = Protocol::kTgi;
constexpr Protocol kLlama = Protocol::kLlamaCpp;
constexpr Protocol kPlain = Protocol::kPlain;

struct Row {
  const char* what;
  Protocol protocol;
  std::string frame;
  std::string piece;  // expected, compared as JSON; "" for Error bad-frame
};

const std::vector<Row> kRows = {
    // End of stream, nothing, and what is no frame.
    {"done mark", kOpenAI, "[DONE]", R"({"done":true})"},
    {"done mark with spaces", kOpenAI, " [DONE] \r", R"({"done":true})"},
    {"done mark of the plain contract", kPlain, "[DONE]", R"({"done":true})"},
    {"no data", kOpenAI, "", "{}"},
    {"only white space", kTgi, " \n", "{}"},
    {"null", kOpenAI, "null", "{}"},
    {"truncated", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"Hel)", ""},
    {"closing brace missing", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"Hel"}}])", ""},
    {"two values", kOpenAI, R"({"choices":[]}{"choices":[]})", ""},
    {"a page instead of JSON", kOpenAI, "<!DOCTYPE html><html><body>Bad gateway</body></html>", ""},
    {"a bare number", kOpenAI, "42", ""},
    {"a bare string", kTgi, R"("hello")", ""},
    {"brackets that do not match", kOpenAI, R"({"x":[1,2},"choices":[]})", ""},

    // OpenAI.
    {"OpenAI first chunk", kOpenAI,
     R"({"id":"chatcmpl-9LMk","object":"chat.completion.chunk","created":1714879341,"model":"gpt-3.5-turbo-0125","system_fingerprint":"fp_3b956da36b","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]})",
     R"({"model":"gpt-3.5-turbo-0125"})"},
    {"OpenAI text", kOpenAI,
     R"({"id":"c","model":"gpt-3.5-turbo-0125","choices":[{"index":0,"delta":{"content":"two"},"logprobs":null,"finish_reason":null}]})",
     R"({"text":"two"})"},
    {"OpenAI last chunk: empty delta", kOpenAI,
     R"({"id":"c","model":"gpt-3.5-turbo-0125","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]})",
     R"({"finish":"stop","model":"gpt-3.5-turbo-0125"})"},
    {"usage chunk without choices", kOpenAI,
     R"({"id":"c","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":0}}})",
     R"({"usage":{"input":7,"output":5}})"},
    {"litellm: usage with an empty delta", kOpenAI,
     R"({"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":7,"completion_tokens":5}})",
     R"({"usage":{"input":7,"output":5}})"},
    {"usage null", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null})", R"({"text":"a"})"},
    {"usage with null counts", kOpenAI, R"({"choices":[],"usage":{"prompt_tokens":null,"completion_tokens":3}})",
     R"({"usage":{"output":3}})"},
    {"usage that cannot be", kOpenAI, R"({"choices":[],"usage":{"prompt_tokens":-4,"completion_tokens":"x"}})", "{}"},
    {"llama.cpp chat: content null", kOpenAI,
     R"({"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"model":"chain"})",
     R"({"model":"chain"})"},
    {"first delta without role", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":" Hello"}}]})",
     R"({"text":" Hello"})"},
    {"text completion", kOpenAI,
     R"({"object":"text_completion","choices":[{"index":0,"text":" Hello","finish_reason":null}]})",
     R"({"text":" Hello"})"},
    {"only the first choice counts", kOpenAI,
     R"({"choices":[{"index":1,"delta":{"content":"no"}},{"index":0,"delta":{"content":"yes"}},{"index":2,"delta":{"content":"no"}}]})",
     R"({"text":"yes"})"},
    {"a chunk of the second choice", kOpenAI,
     R"({"choices":[{"index":1,"delta":{"content":"no"},"finish_reason":"stop"}]})", "{}"},
    {"choices without index", kOpenAI, R"({"choices":[{"delta":{"content":"yes"}},{"delta":{"content":"no"}}]})",
     R"({"text":"yes"})"},
    {"content in parts", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]}}]})",
     R"({"text":"Hello"})"},
    {"Mistral's thinking part", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}}]})",
     R"({"reasoning":"hm"})"},
    {"reasoning_content", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":null,"reasoning_content":"hm"}}]})",
     R"({"reasoning":"hm"})"},
    {"vLLM sends reasoning twice", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"reasoning":"hm","reasoning_content":"hm"}}]})", R"({"reasoning":"hm"})"},
    {"refusal", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":null,"refusal":"I cannot"}}]})",
     R"({"text":"I cannot"})"},
    {"a whole message inside a stream", kOpenAI,
     R"({"choices":[{"index":0,"message":{"role":"assistant","content":"All of it"},"finish_reason":"stop"}]})",
     R"({"full":"All of it","finish":"stop"})"},
    {"tool call", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\":[1"}}]},"finish_reason":"tool_calls"}]})",
     R"({"finish":"tool-calls"})"},
    {"unknown frame of a server's own", kOpenAI, R"({"type":"ping","at":[1,2,{"x":"]}"}]})", "{}"},

    // Providers.
    {"together: text beside delta, eos", kOpenAI,
     R"({"id":"8ff4","choices":[{"index":0,"text":"2","logprobs":null,"finish_reason":null,"seed":null,"delta":{"token_id":17,"role":"assistant","content":"2","tool_calls":null}}],"model":"m","usage":null})",
     R"({"text":"2"})"},
    {"together: end with usage", kOpenAI,
     R"({"choices":[{"index":0,"text":"","finish_reason":"eos","seed":14663482367758619000,"delta":{"token_id":128009,"content":"","tool_calls":null}}],"model":"m","usage":{"prompt_tokens":48,"completion_tokens":2,"total_tokens":50}})",
     R"({"finish":"stop","model":"m","usage":{"input":48,"output":2}})"},
    {"hyperbolic: cumulative usage on every chunk, spaces", kOpenAI,
     R"({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "2"}, "logprobs": null, "finish_reason": null}], "usage": {"prompt_tokens": 48, "total_tokens": 50, "completion_tokens": 2}})",
     R"({"text":"2","model":"m","usage":{"input":48,"output":2}})"},
    {"cerebras: no finish_reason key, index last", kOpenAI, R"({"id":"c","choices":[{"delta":{"content":"This"},"index":0}],"created":1740751481,"model":"llama3.1-8b"})",
     R"({"text":"This"})"},
    {"cerebras: end with time_info", kOpenAI,
     R"({"choices":[{"delta":{},"finish_reason":"stop","index":0}],"model":"m","usage":{"prompt_tokens":42,"completion_tokens":6,"total_tokens":48},"time_info":{"queue_time":0.000093189,"created":1740751481}})",
     R"({"finish":"stop","model":"m","usage":{"input":42,"output":6}})"},
    {"cerebras: a stray quote after the last frame", kOpenAI, R"({"choices":[{"delta":{},"finish_reason":"stop","index":0}],"model":"m"}")",
     R"({"finish":"stop","model":"m"})"},
    {"a stray quote inside", kOpenAI, R"({"choices":[{"delta":{},"index":0}],"model":"m"")", ""},
    {"novita: last text and finish together, filter results", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"content":"his is only a test"},"finish_reason":"stop","content_filter_results":{"hate":{"filtered":false}}}],"model":"m"})",
     R"({"text":"his is only a test","finish":"stop","model":"m"})"},
    {"input and output tokens by their other names", kOpenAI,
     R"({"choices":[],"usage":{"input_tokens":3,"output_tokens":4}})", R"({"usage":{"input":3,"output":4}})"},

    // TGI.
    {"TGI token", kTgi,
     R"({"index":1,"token":{"id":1128,"text":" How","logprob":-5.67,"special":false},"generated_text":null,"details":null})",
     R"({"text":" How"})"},
    {"TGI special token is not shown", kTgi,
     R"({"token":{"id":2,"text":"</s>","logprob":-3.43,"special":true},"generated_text":null,"details":null})", "{}"},
    {"TGI last frame without details", kTgi,
     R"({"index":52,"token":{"id":2,"text":"</s>","logprob":-3.43,"special":true},"generated_text":"one two","details":null})",
     R"({"full":"one two","finish":"stop","done":true})"},
    {"TGI last frame, cut by length", kTgi,
     R"({"token":{"id":5,"text":" two","special":false},"generated_text":"one two","details":{"finish_reason":"length","generated_tokens":2,"input_length":9,"seed":null}})",
     R"({"text":" two","full":"one two","finish":"length","done":true,"usage":{"input":9,"output":2}})"},
    {"TGI stop sequence", kTgi,
     R"({"token":{"id":5,"text":"END","special":false},"generated_text":"one END","details":{"finish_reason":"stop_sequence","generated_tokens":2}})",
     R"({"text":"END","full":"one END","finish":"stop","done":true,"usage":{"output":2}})"},
    {"TGI last frame, no reason given", kTgi,
     R"({"token":{"id":5,"text":" two","special":false},"generated_text":"one two","details":null})",
     R"({"text":" two","full":"one two","done":true})"},
    {"TGI 2.0.1 chat: the special token in clear", kOpenAI,
     R"({"id":"","object":"text_completion","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"</s>"},"logprobs":null,"finish_reason":"eos_token"}]})",
     R"({"finish":"stop","model":"m"})"},
    {"TGI 2.0.1 chat: slash escaped", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"content":"<\/s>"},"finish_reason":"eos_token"}]})", R"({"finish":"stop"})"},
    {"eos_token after ordinary text", kOpenAI,
     R"({"choices":[{"index":0,"delta":{"content":"two."},"finish_reason":"eos_token"}]})",
     R"({"text":"two.","finish":"stop"})"},
    {"such a token in the middle stays", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"</s>"},"finish_reason":null}]})",
     R"({"text":"</s>"})"},

    // llama.cpp's own.
    {"llama.cpp text", kLlama, R"({"index":0,"content":" Hello","tokens":[5],"stop":false,"id_slot":-1,"tokens_predicted":1,"tokens_evaluated":4})",
     R"({"text":" Hello"})"},
    {"llama.cpp end", kLlama,
     R"({"content":"","stop":true,"model":"chain","tokens_predicted":9,"tokens_evaluated":4,"generation_settings":{"stop":["\n"]},"stop_type":"eos","timings":{"prompt_n":4}})",
     R"({"done":true,"finish":"stop","model":"chain","usage":{"input":4,"output":9}})"},
    {"llama.cpp end by limit", kLlama, R"({"content":"","stop":true,"stop_type":"limit"})",
     R"({"done":true,"finish":"length"})"},
    {"llama.cpp Feb-2025 end by limit", kLlama,
     R"({"content":"x","stop":true,"stopped_eos":false,"stopped_word":false,"stopped_limit":true})",
     R"({"text":"x","done":true,"finish":"length"})"},

    // Plain contract.
    {"plain token", kPlain, R"({"token":"Hel"})", R"({"text":"Hel"})"},
    {"token as a number", kPlain, R"({"token":7592,"text":"Hel"})", R"({"text":"Hel"})"},
    {"plain text field", kPlain, R"({"text":"Hel"})", R"({"text":"Hel"})"},
    {"plain whole text", kPlain, R"({"generated_text":"Hello","model_version":"v3"})",
     R"({"full":"Hello","done":true,"model":"v3"})"},
    {"plain JSON string", kPlain, R"("Hel\n")", R"({"text":"Hel\n"})"},
    {"plain bare text", kPlain, "Hel lo", R"({"text":"Hel lo"})"},
    {"plain bare space", kPlain, " ", R"({"text":" "})"},
    {"plain bare quote", kPlain, "\"", R"({"text":"\""})"},
    {"plain bare number is text", kPlain, "42", R"({"text":"42"})"},
    {"plain bare NaN is text", kPlain, "NaN", R"({"text":"NaN"})"},
    {"plain broken object", kPlain, R"({"text":"Hel)", ""},
    {"plain page", kPlain, "<html><head><title>502</title>", ""},
    {"Ollama line", kPlain, R"({"model":"llama3","created_at":"2026-11-01T00:00:00Z","response":"Hel","done":false})",
     R"({"text":"Hel"})"},
    {"Ollama last line", kPlain,
     R"({"model":"llama3","response":"","done":true,"done_reason":"length","prompt_eval_count":26,"eval_count":298})",
     R"({"model":"llama3","done":true,"finish":"length","usage":{"input":26,"output":298}})"},
    {"OpenAI words on a plain endpoint", kPlain, R"({"choices":[{"delta":{"content":"a"}}]})", R"({"text":"a"})"},

    // Errors inside HTTP 200 (protocols.md 2.6).
    {"TGI stream error", kTgi,
     R"({"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 17 `inputs` tokens and 10000 `max_new_tokens`","error_type":"validation"})",
     R"({"error":{"message":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 17 `inputs` tokens and 10000 `max_new_tokens`","type":"validation"}})"},
    {"TGI chat error", kOpenAI, R"({"error":{"message":"Template error","http_status_code":422}})",
     R"({"error":{"message":"Template error","status":422}})"},
    {"vLLM error", kOpenAI, R"({"error":{"message":"too long","type":"BadRequestError","param":null,"code":400}})",
     R"({"error":{"message":"too long","type":"BadRequestError","status":400}})"},
    {"litellm: code is a string", kOpenAI, R"({"error":{"message":"slow down","type":"None","code":"429"}})",
     R"({"error":{"message":"slow down","type":"None","status":429}})"},
    {"llama.cpp Feb-2025: the field named error", kOpenAI, R"({"code":500,"message":"boom","type":"server_error"})",
     R"({"error":{"message":"boom","type":"server_error","status":500}})"},
    {"older vLLM", kOpenAI, R"({"object":"error","message":"no","type":"BadRequestError","code":400})",
     R"({"error":{"message":"no","type":"BadRequestError","status":400}})"},
    {"error wins over text", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"a"}}],"error":{"message":"cut"}})",
     R"({"error":{"message":"cut"}})"},
    {"error without words", kOpenAI, R"({"error":{}})", R"({"error":{}})"},
    {"error null is none", kOpenAI, R"({"error":null,"choices":[{"index":0,"delta":{"content":"a"}}]})", R"({"text":"a"})"},
    {"error empty is none", kPlain, R"({"error":"","text":"a"})", R"({"text":"a"})"},
    {"FastAPI detail", kPlain, R"({"detail":"Model is loading"})", R"({"error":{"message":"Model is loading"}})"},
    {"a progress message is no error", kPlain, R"({"message":"loading weights"})", "{}"},

    // Text.
    {"escapes", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"\"a\"\\\/\b\f\n\r\t\u00e9"}}]})",
     R"({"text":"\"a\"\\/\b\f\n\r\té"})"},
    {"surrogate pair", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"\ud83d\ude00"}}]})", R"({"text":"😀"})"},
    {"half a surrogate pair", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"a\ud83d"}}]})", "{\"text\":\"a\xEF\xBF\xBD\"}"},
    {"the other half", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"\uDE00b"}}]})", "{\"text\":\"\xEF\xBF\xBD" "b\"}"},
    {"UTF-8", kOpenAI, R"({"choices":[{"index":0,"delta":{"content":"café 日本 😀"}}]})", R"({"text":"café 日本 😀"})"},
    {"invalid UTF-8 in the text", kOpenAI, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\xFF" "b\"}}]}",
     "{\"text\":\"a\xEF\xBF\xBD" "b\"}"},
    {"invalid UTF-8 elsewhere", kOpenAI, "{\"id\":\"\xC3\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}",
     R"({"text":"a"})"},
    {"invalid UTF-8 in bare text", kPlain, "a\x80", "{\"text\":\"a\xEF\xBF\xBD\"}"},
    {"NaN where nobody looks", kTgi, R"({"token":{"id":1,"text":"a","logprob":NaN,"special":false}})", R"({"text":"a"})"},
    {"-Infinity in a frame read exactly", kTgi,
     R"({"token":{"id":1,"text":"NaN","logprob":-Infinity,"special":false},"generated_text":"NaN","details":null})",
     R"({"text":"NaN","full":"NaN","done":true})"},
    {"byte order mark", kOpenAI, "\xEF\xBB\xBF{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}", R"({"text":"a"})"},
    {"no success beside text", kLlama, R"({"content":"x","success":false})",
     R"({"error":{"message":"The server answered with \"success\": false: \"x\""}})"},
    {"a status of failure beside text", kLlama, R"({"content":"x","status":"failed"})",
     R"({"error":{"message":"The server answered with the status \"failed\": \"x\""}})"},
    {"success beside text", kLlama, R"({"content":"x","success":true})", R"({"text":"x"})"},
    {"an error's object written with escapes", kOpenAI, R"({"message":null,"content":"x","object":"\u0065rror"})",
     R"({"error":{}})"},
    {"key written with escapes", kOpenAI, R"({"\u0063hoices":[{"index":0,"delta":{"c\u006fntent":"a"}}]})", R"({"text":"a"})"},
};

TEST(Frame, Rows) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    for (const bool exactly : {false, true}) {
      const auto answer = exactly ? read_frame_exactly(row.protocol, row.frame) : read_frame(row.protocol, row.frame);
      if (row.piece.empty()) {
        ASSERT_FALSE(answer) << answer.value();
        EXPECT_EQ(answer.error().code, "bad-frame");
        continue;
      }
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(nlohmann::json::parse(answer.value()), nlohmann::json::parse(row.piece)) << (exactly ? "exact path: " : "") << answer.value();
    }
  }
}

// What nobody reads is not looked at: frame.h says so.
TEST(Frame, TheFastWayTakesWhatIsNoJsonWhereNobodyReads) {
  const std::string frame = R"({"content":"x","a":nope})";
  EXPECT_EQ(read_frame(kLlama, frame).value(), R"({"text":"x"})");
  EXPECT_FALSE(read_frame_exactly(kLlama, frame));
}

TEST(Frame, EveryFinishReason) {
  const std::vector<std::pair<const char*, const char*>> rows = {
      {"stop", "stop"}, {"eos", "stop"}, {"eos_token", "stop"}, {"end_turn", "stop"}, {"stop_sequence", "stop"},
      {"STOP", "stop"}, {"COMPLETE", "stop"}, {"length", "length"}, {"max_tokens", "length"}, {"MAX_TOKENS", "length"},
      {"model_length", "length"}, {"tool_calls", "tool-calls"}, {"function_call", "tool-calls"}, {"tool_use", "tool-calls"},
      {"content_filter", "content-filter"}, {"SAFETY", "content-filter"}, {"none", "unknown"},
      {"recitation", "other"}, {"unknown", "unknown"},
  };
  for (const auto& [word, reason] : rows) {
    EXPECT_EQ(finish_reason(word), reason) << word;
    const std::string frame = std::string(R"({"choices":[{"index":0,"delta":{},"finish_reason":")") + word + "\"}]}";
    const auto answer = read_frame(kOpenAI, frame);
    ASSERT_TRUE(answer);
    EXPECT_EQ(json::parse(answer.value())["finish"], reason) << word;
  }
}

TEST(Frame, AReplyThatEndsInFailureIsAnError) {
  for (const char* word : {"error", "ERROR", "failed", "abort", "aborted", "cancelled", "canceled", "failure"}) {
    const std::string end = std::string(R"("finish_reason":")") + word + "\"";
    for (const std::string& frame :
         {R"({"choices":[{"index":0,"delta":{"content":"half"},)" + end + "}]}", R"({"token":{"text":"half"},)" + end + "}"}) {
      const auto answer = read_frame(kOpenAI, frame);
      ASSERT_TRUE(answer) << frame;
      const json error = json::parse(answer.value());
      ASSERT_EQ(error.size(), 1U) << answer.value();
      EXPECT_EQ(error["error"]["message"],
                std::string("The server ended its reply with the reason \"") + word + "\".");
    }
  }
}

TEST(Frame, ErrorQuotesAtMostEightyBytesOfValidText) {
  std::string frame = "{\"a\":\n";
  for (int i = 0; i < 100; ++i) frame += "日";
  frame += '\xFF';
  const auto answer = read_frame(kOpenAI, frame);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("\"{\"a\": 日"), std::string::npos) << answer.error().message;
  EXPECT_NE(answer.error().message.find("日…\""), std::string::npos) << answer.error().message;
  EXPECT_LT(answer.error().message.size(), 260U);
  EXPECT_TRUE(tierwise::valid_utf8(answer.error().message));
}

// A frame cut anywhere is refused or says nothing wrong: never half a text.
TEST(Frame, CutAtEveryByte) {
  const std::string frame =
      R"({"id":"c","choices":[{"index":0,"delta":{"content":"tw\u00f6 \"x\" 日"},"finish_reason":null}],"usage":{"prompt_tokens":12}})";
  for (std::size_t size = 1; size < frame.size(); ++size) {
    const auto answer = read_frame(kOpenAI, std::string_view(frame).substr(0, size));
    ASSERT_FALSE(answer) << size << ' ' << answer.value();
    EXPECT_EQ(answer.error().code, "bad-frame");
  }
}

TEST(Frame, DeepNestingIsRefusedNotFollowed) {
  for (const std::size_t depth : {std::size_t{50}, std::size_t{200}, std::size_t{200000}}) {
    const std::string deep = std::string(depth, '[') + std::string(depth, ']');
    const auto skipped = read_frame(kOpenAI, R"({"x":)" + deep + R"(,"choices":[{"index":0,"delta":{"content":"a"}}]})");
    EXPECT_EQ(static_cast<bool>(skipped), depth == 50) << depth;
    const auto text = read_frame(kPlain, R"({"output":)" + deep + "}");
    EXPECT_EQ(static_cast<bool>(text), depth < 100) << depth;
  }
}

}  // namespace
}  // namespace tierwise::reply
