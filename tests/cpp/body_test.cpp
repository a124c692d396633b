#include "reply/body.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.h"

namespace tierwise::reply {
namespace {

constexpr Protocol kOpenAI = Protocol::kOpenAI;
constexpr Protocol kTgi = Protocol::kTgi;
constexpr Protocol kLlama = Protocol::kLlamaCpp;
constexpr Protocol kPlain = Protocol::kPlain;

struct Row {
  const char* what;
  Protocol protocol;
  std::string body;
  std::string piece;  // expected, compared as JSON
};

const std::vector<Row> kRows = {
    {"TGI 2.0.1 chat", kOpenAI,
     R"({"id":"","object":"text_completion","created":1714873384,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":" to two."},"logprobs":null,"finish_reason":"eos_token"}],"usage":{"prompt_tokens":21,"completion_tokens":12,"total_tokens":33}})",
     R"({"text":" to two.","finish":"stop","model":"m","usage":{"input":21,"output":12}})"},
    {"together: a seed beyond 2^53", kOpenAI,
     R"({"object":"chat.completion","model":"m","prompt":[],"choices":[{"finish_reason":"eos","seed":14663482367758619000,"logprobs":null,"index":0,"message":{"role":"assistant","content":"two.","tool_calls":[]}}]})",
     R"({"text":"two.","finish":"stop","model":"m"})"},
    {"reasoning beside content", kOpenAI,
     R"({"choices":[{"index":0,"message":{"content":"2","reasoning_content":"1+1"},"finish_reason":"stop"}]})",
     R"({"text":"2","reasoning":"1+1","finish":"stop"})"},
    {"tool call: content null", kOpenAI,
     R"({"choices":[{"index":0,"message":{"content":null,"tool_calls":[{}]},"finish_reason":"tool_calls"}]})",
     R"({"text":"","finish":"tool-calls"})"},
    {"refusal", kOpenAI, R"({"choices":[{"index":0,"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]})",
     R"({"text":"No.","finish":"stop"})"},
    {"content in parts", kOpenAI,
     R"({"choices":[{"message":{"content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{}},{"type":"text","text":"b"}]}}]})",
     R"({"text":"ab"})"},
    {"text completion", kOpenAI,
     R"({"object":"text_completion","choices":[{"index":0,"text":" Hello","finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2}})",
     R"({"text":" Hello","finish":"length","usage":{"input":1,"output":2}})"},
    {"several choices", kOpenAI,
     R"({"choices":[{"index":1,"message":{"content":"b"}},{"index":0,"message":{"content":"a"}}]})", R"({"text":"a"})"},
    {"TGI object", kTgi,
     R"({"generated_text":" 2","details":{"finish_reason":"length","generated_tokens":3,"seed":1,"prefill":[],"tokens":[{"id":29871,"text":" ","logprob":-0.1,"special":false}]}})",
     R"({"text":" 2","finish":"length","usage":{"output":3}})"},
    {"TGI list", kTgi, R"([{"generated_text":"one plus two"}])", R"({"text":"one plus two"})"},
    {"conversation of the old API", kTgi,
     R"({"generated_text":"It's the best movie ever.","conversation":{"generated_responses":["x"],"past_user_inputs":["y"]},"warnings":["z"]})",
     R"({"text":"It's the best movie ever."})"},
    {"llama.cpp", kLlama,
     R"({"index":0,"content":" Hello","stop":true,"model":"chain","tokens_predicted":9,"tokens_evaluated":4,"stop_type":"limit"})",
     R"({"text":" Hello","finish":"length","model":"chain","usage":{"input":4,"output":9}})"},
    {"plain contract", kPlain, R"({"generated_text":"Hello","model_version":"v2","generation_time":0.4})",
     R"({"text":"Hello","model":"v2"})"},
    {"no success", kPlain, R"({"success":false,"generated_text":"Something went wrong"})",
     R"({"error":{"message":"The server answered with \"success\": false: \"Something went wrong\""}})"},
    {"no success, content", kOpenAI, R"({"success":false,"content":"x"})",
     R"({"error":{"message":"The server answered with \"success\": false: \"x\""}})"},
    {"no success and nothing else", kPlain, R"({"success":false})",
     R"({"error":{"message":"The server answered with \"success\": false."}})"},
    {"cancelled with text", kPlain, R"({"output":"hello","status":"cancelled"})",
     R"({"error":{"message":"The server answered with the status \"cancelled\": \"hello\""}})"},
    {"nothing but an end in failure", kPlain, R"({"finish_reason":"error"})",
     R"({"error":{"message":"The server ended its reply with the reason \"error\"."}})"},
    {"no success, with a reason", kPlain, R"({"success":false,"message":"no model"})", R"({"error":{"message":"no model"}})"},
    {"success", kPlain, R"({"success":true,"generated_text":"Hello"})", R"({"text":"Hello"})"},
    {"a status of failure", kPlain, R"({"status":"error","data":"no model"})",
     R"({"error":{"message":"The server answered with the status \"error\": \"no model\""}})"},
    {"not ok", kPlain, R"({"ok":false,"text":"no GPU"})",
     R"({"error":{"message":"The server answered with \"ok\": false: \"no GPU\""}})"},
    {"an error by its flag", kPlain, R"({"is_error":true,"text":"no GPU"})",
     R"({"error":{"message":"The server answered with \"is_error\": true: \"no GPU\""}})"},
    {"an error by its type", kPlain, R"({"type":"error","message":"no GPU"})",
     R"({"error":{"type":"error","message":"no GPU"}})"},
    {"an error by its status", kPlain, R"({"status":500,"text":"no GPU"})",
     R"({"error":{"status":500,"message":"The server answered with an error status: \"no GPU\""}})"},
    {"a finish reason that is no word", kOpenAI,
     R"({"choices":[{"index":0,"message":{"content":"a"},"finish_reason":{"type":"length"}}]})",
     R"({"text":"a","finish":"other"})"},
    {"a status of success", kPlain, R"({"status":"ok","data":"Hello"})", R"({"text":"Hello"})"},
    {"a line that is an error", kPlain, R"("Error: the model is not loaded")",
     R"({"error":{"message":"Error: the model is not loaded"}})"},
    {"a page's words", kPlain, R"("Internal Server Error")", R"({"error":{"message":"Internal Server Error"}})"},
    {"a text about errors", kPlain, R"("Error: what it means\nIt means that…")", R"({"text":"Error: what it means\nIt means that…"})"},
    {"ended by an error", kOpenAI,
     R"({"choices":[{"index":0,"message":{"content":"half"},"finish_reason":"error"}]})",
     R"({"error":{"message":"The server ended its reply with the reason \"error\"."}})"},
    {"plain contract, error empty", kPlain, R"({"generated_text":"Hello","error":""})", R"({"text":"Hello"})"},
    {"plain contract, error null", kPlain, R"({"generated_text":"","error":null})", R"({"text":""})"},
    {"plain contract, error", kPlain, R"({"generated_text":"","error":"CUDA out of memory"})",
     R"({"error":{"message":"CUDA out of memory"}})"},
    {"output", kPlain, R"({"output":"Hello"})", R"({"text":"Hello"})"},
    {"output in pieces", kPlain, R"({"output":["Hel","lo"],"status":"succeeded"})", R"({"text":"Hello"})"},
    {"response", kPlain, R"({"response":"Hello"})", R"({"text":"Hello"})"},
    {"text", kPlain, R"({"text":"Hello"})", R"({"text":"Hello"})"},
    {"result", kPlain, R"({"result":"Hello"})", R"({"text":"Hello"})"},
    {"result within result", kPlain, R"({"result":{"generated_text":"Hello"}})", R"({"text":"Hello"})"},
    {"content", kPlain, R"({"role":"assistant","content":"Hello"})", R"({"text":"Hello"})"},
    {"OpenAI words on a plain endpoint", kPlain, R"({"choices":[{"message":{"content":"Hello"}}]})", R"({"text":"Hello"})"},
    {"bare string", kPlain, R"("Hello")", R"({"text":"Hello"})"},
    {"list of strings", kPlain, R"(["Hello"])", R"({"text":"Hello"})"},
    {"list in a list", kPlain, R"([[{"generated_text":"Hello"}]])", R"({"text":"Hello"})"},
    {"Gradio's run alias", kPlain, R"({"data":["Hello",null],"is_generating":false,"duration":0.1})", R"({"text":"Hello"})"},
    {"Ollama generate", kPlain,
     R"({"model":"llama3","response":"Hello","done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":290})",
     R"({"text":"Hello","model":"llama3","finish":"stop","usage":{"input":26,"output":290}})"},
    {"Ollama chat", kPlain, R"({"model":"llama3","message":{"role":"assistant","content":"Hello"},"done":true})",
     R"({"text":"Hello","model":"llama3"})"},
    {"white space around", kTgi, "\n {\"generated_text\":\"a\"} \r\n", R"({"text":"a"})"},
    {"NaN", kPlain, R"({"generated_text":"NaN, Infinity \" NaN","score":NaN,"low":-Infinity,"high":Infinity})",
     R"({"text":"NaN, Infinity \" NaN"})"},
    {"invalid UTF-8", kPlain, "{\"generated_text\":\"a\xF0\x9F\x98\"}", "{\"text\":\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"}"},
    {"lone surrogate", kPlain, R"({"generated_text":"a\udc00\ud83d\ude00"})", "{\"text\":\"a\xEF\xBF\xBD😀\"}"},

    // Errors under HTTP 200.
    {"error text", kTgi, R"({"error":"Model is overloaded","error_type":"overloaded"})",
     R"({"error":{"message":"Model is overloaded","type":"overloaded"}})"},
    {"error object", kOpenAI, R"({"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}})",
     R"({"error":{"message":"no","type":"invalid_request_error"}})"},
    {"message alone", kOpenAI, R"({"message":"Welcome to the OpenAI API!"})", R"({"error":{"message":"Welcome to the OpenAI API!"}})"},
    {"detail list", kPlain, R"({"detail":[{"loc":["body","inputs"],"msg":"field required","type":"value_error.missing"}]})",
     R"({"error":{"message":"inputs: field required"}})"},
    {"flat error", kOpenAI, R"({"object":"error","message":"no","type":"x","code":404})",
     R"({"error":{"message":"no","type":"x","status":404}})"},
};

TEST(Body, Rows) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    const auto answer = read_body(row.protocol, row.body);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(nlohmann::json::parse(answer.value()), nlohmann::json::parse(row.piece)) << answer.value();
  }
}

struct Refused {
  const char* what;
  Protocol protocol;
  std::string body;
  std::vector<std::string> says;
};

const std::vector<Refused> kRefused = {
    {"nothing", kOpenAI, "", {"got nothing", R"({"choices": [{"message": {"content": "…"}}]})"}},
    {"a page", kPlain, "<!doctype html><html><head><title>My Space</title></head>", {"a web page titled \"My Space\"", "generated_text"}},
    {"a page without title", kTgi, "<html><body><h1>502</h1></body></html>", {"got a web page."}},
    {"cut", kOpenAI, R"({"choices":[{"message":{"content":"Hel)", {"broken or incomplete JSON"}},
    {"text", kPlain, "upstream connect error", {"text that is not JSON: \"upstream connect error\""}},
    {"no choices", kOpenAI, R"({"choices":[]})", {"an object with the fields \"choices\""}},
    {"labels", kOpenAI, R"([[{"label":"POSITIVE","score":0.99}]])", {"a list of arrays"}},
    {"fill-mask: token is an id", kTgi, R"([{"score":0.28,"token":7592,"token_str":"hello"}])", {"a list of objects"}},
    {"somebody's access token", kPlain, R"({"token":"abc"})", {"\"token\""}},
    {"other fields", kPlain, R"({"score":1,"label":"x"})", {"\"score\", \"label\""}},
    {"embeddings", kPlain, "[[0.1,0.2],[0.3,0.4]]", {"a list of arrays"}},
    {"empty list", kTgi, "[]", {"an empty list"}},
    {"empty object", kTgi, "{}", {"an empty object"}},
    {"number", kPlain, "42", {"a bare number"}},
    {"bare string where an object is due", kOpenAI, R"("Hello")", {"a bare string"}},
    {"a result that turns in circles", kPlain, R"({"result":{"result":{"result":{"result":{"result":{"text":"x"}}}}}})", {"\"result\""}},
};

TEST(Body, UnknownShapesSayWhatWasExpected) {
  for (const Refused& row : kRefused) {
    SCOPED_TRACE(row.what);
    const auto answer = read_body(row.protocol, row.body);
    ASSERT_FALSE(answer) << answer.value();
    EXPECT_EQ(answer.error().code, "unknown-shape");
    EXPECT_EQ(answer.error().message.find("<"), std::string::npos) << answer.error().message;
    for (const std::string& part : row.says) {
      EXPECT_NE(answer.error().message.find(part), std::string::npos) << part << "\n" << answer.error().message;
    }
  }
}

TEST(Body, NamesNoMoreFieldsThanFitASentence) {
  std::string body = "{";
  for (char c = 'a'; c < 'j'; ++c) body += (c == 'a' ? "\"" : ",\"") + std::string(78, c) + "\":1";
  const std::string message = read_body(kPlain, body + "}").error().message;
  EXPECT_LT(message.size(), 550U) << message;
  EXPECT_NE(message.find(" and more. Check the address"), std::string::npos) << message;
  const std::string twice = read_body(kPlain, R"({"x":1,"y":2,"x":3})").error().message;
  EXPECT_NE(twice.find(R"(the fields "x", "y". Check)"), std::string::npos) << twice;
}

TEST(Body, TooManyValuesAreTextThatCannotBeRead) {
  std::string body = "{\"x\":[0";
  for (std::size_t i = 0; i < kMaxJsonValues; ++i) body += ",0";
  const auto answer = read_body(kPlain, body + "],\"text\":\"a\"}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, "unknown-shape");
}

// Brackets inside strings once balanced real ones in the depth count.
TEST(Body, DeepNestingHiddenBehindBracketsInStrings) {
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += R"({"a":"\"}","b":)";
  deep += "1" + std::string(100000, '}');
  const auto answer = read_body(kPlain, deep);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().message.find("broken or incomplete JSON"), std::string::npos) << answer.error().message;
}

}  // namespace
}  // namespace tierwise::reply
