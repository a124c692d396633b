#include "reply/error_body.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tierwise::reply {
namespace {

constexpr const char* kJson = "application/json";

struct Row {
  const char* what;
  const char* content_type;
  std::string body;
  std::string message;
  std::string title = {};
  std::string type = {};
  std::string code = {};
  double status = 0;
  double retry_after_ms = -1;
  bool html = false;
};

const std::vector<Row> kRows = {
    {"nothing", "", "", ""},
    {"white space", "", " \n", ""},
    {"Hub 404", kJson, R"({"error":"Model X does not exist"})", "Model X does not exist"},
    {"TGI", kJson, R"({"error":"Template error: template not found","error_type":"template_error"})",
     "Template error: template not found", "", "template_error"},
    {"TGI health", kJson, R"({"error":"unhealthy","error_type":"healthcheck"})", "unhealthy", "", "healthcheck"},
    {"TEI", kJson, R"({"error":"batch size too large","error_type":"Validation"})", "batch size too large", "", "Validation"},
    {"OpenAI", kJson, R"({"error":{"message":"you must provide a model parameter","type":"invalid_request_error","param":null,"code":null}})",
     "you must provide a model parameter", "", "invalid_request_error"},
    {"OpenAI with code", kJson, R"({"error":{"message":"long","type":"invalid_request_error","code":"context_length_exceeded"}})",
     "long", "", "invalid_request_error", "context_length_exceeded"},
    {"llama.cpp loading", kJson, R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
     "Loading model", "", "unavailable_error", "503", 503},
    {"llama.cpp context", kJson,
     R"({"error":{"code":400,"message":"request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":13392,"n_ctx":8192}})",
     "request (13392 tokens) exceeds the available context size (8192 tokens), try increasing it", "",
     "exceed_context_size_error", "400", 400},
    {"litellm", kJson, R"({"error":{"message":"slow","type":null,"param":null,"code":"429"}})", "slow", "", "", "429", 429},
    {"vLLM auth", kJson, R"({"error":"Unauthorized"})", "Unauthorized"},
    {"vLLM flat", kJson, R"({"object":"error","message":"too long","type":"BadRequestError","code":400})", "too long", "",
     "BadRequestError", "400", 400},
    {"TGI status inside", kJson, R"({"error":{"message":"m","http_status_code":422}})", "m", "", "", "", 422},
    {"Mistral gateway", kJson, R"({"message":"No API key found in request","request_id":"ab53"})", "No API key found in request"},
    {"FastAPI", kJson, R"({"detail":"Unsupported data URL"})", "Unsupported data URL"},
    {"Gradio queue full", kJson, R"({"detail":"Queue is full. Max size is 10 and size is 10."})",
     "Queue is full. Max size is 10 and size is 10."},
    {"pydantic", kJson, R"({"detail":[{"loc":["body","model_name"],"msg":"field required","type":"value_error.missing"}]})",
     "model_name: field required"},
    {"pydantic, three, one with an index", kJson,
     R"({"detail":[{"loc":["body","data",0],"msg":"not a string","type":"x"},{"loc":["body"],"msg":"bad"},{"msg":"no place"}]})",
     "data.0: not a string; body: bad; no place"},
    {"pydantic, many", kJson,
     R"({"detail":[{"msg":"a"},{"msg":"b"},{"msg":"c"},{"msg":"d"},{"msg":"e"},{"msg":"f"},{"msg":"g"}]})",
     "a; b; c; d; e; and 2 more"},
    {"Gradio login", kJson, R"({"detail":{"error":"Not authenticated","auth_message":null}})", "Not authenticated"},
    {"Gradio app error", kJson, R"({"error":"CUDA error","title":"Error","duration":10,"visible":true})", "CUDA error", "Error"},
    {"Gradio app error without words", kJson, R"({"error":null,"title":"ZeroGPU quota exceeded"})", "", "ZeroGPU quota exceeded"},
    {"problem+json", "application/problem+json",
     R"({"detail":"- Additional property provider is not allowed\n","status":422,"title":"Input validation failed","invalid_fields":[{"type":"additional_property_not_allowed"}]})",
     "- Additional property provider is not allowed", "Input validation failed", "", "", 422},
    {"problem+json, about:blank", "application/problem+json", R"({"type":"about:blank","title":"Not Found","status":404})", "",
     "Not Found", "", "", 404},
    {"Express", kJson, R"({"statusCode":400,"error":"Bad Request","message":"inputs is required"})", "inputs is required",
     "Bad Request", "", "", 400},
    {"OAuth", kJson, R"({"error":"invalid_token","error_description":"The token expired"})", "The token expired", "invalid_token"},
    {"list of errors", kJson, R"({"error":["Error in `parameters.top_p`: too big","second"]})",
     "Error in `parameters.top_p`: too big; second"},
    {"old Inference API", kJson, R"({"error":"Model X is currently loading","estimated_time":20.0})", "Model X is currently loading",
     "", "", "", 0, 20000},
    {"retry_after", kJson, R"({"error":{"message":"slow","retry_after":1.5}})", "slow", "", "", "", 0, 1500},
    {"a wait that is none", kJson, R"({"error":"x","estimated_time":-3})", "x"},
    {"a wait of years", kJson, R"({"error":"x","estimated_time":1e12})", "x"},
    {"axum", "text/plain; charset=utf-8",
     "Failed to deserialize the JSON body into the target type: missing field `messages` at line 1 column 144",
     "Failed to deserialize the JSON body into the target type: missing field `messages` at line 1 column 144"},
    {"JSON string", kJson, R"("Not Found")", "Not Found"},
    {"JSON under text/plain", "text/plain", R"({"detail":"Not Found"})", "Not Found"},
    {"cut JSON", kJson, R"({"error":"Model is ov)", R"({"error":"Model is ov)"},
    {"NaN inside", kJson, R"({"error":"x","load":NaN})", "x"},
    {"numbers", kJson, "[1,2]", ""},
    {"page", "text/html; charset=utf-8", "<html><head><title> 503\n Service &amp; co </title></head><body>secret</body></html>", "",
     "503 Service & co", "", "", 0, -1, true},
    {"page without its content type", "", "<!DOCTYPE html><html><title>a &lt;b&gt; c</title>", "", "a b c", "", "", 0, -1, true},
    {"page without title", "text/html", "oops", "", "", "", "", 0, -1, true},
    {"XML", "application/xml", "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "", "", "", "", 0, -1, true},
    {"old ZeroGPU text with a link", kJson,
     R"({"error":"You have exceeded your GPU quota (60s requested vs. 56s left). <a style=\"x\" href=\"https://huggingface.co/join\">Create a free account</a> to get more."})",
     "You have exceeded your GPU quota (60s requested vs. 56s left). Create a free account to get more."},
    {"angle brackets that are no tag", kJson, R"({"error":"expected <unk> before vector<int>, 1 < 2"})",
     "expected <unk> before vector<int>, 1 < 2"},
    {"invalid UTF-8", "text/plain", "bad \xFF byte", "bad \xEF\xBF\xBD byte"},
};

TEST(ErrorBody, Rows) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    const ErrorBody read = read_error_body(row.body, row.content_type);
    EXPECT_EQ(read.message, row.message);
    EXPECT_EQ(read.title, row.title);
    EXPECT_EQ(read.type, row.type);
    EXPECT_EQ(read.code, row.code);
    EXPECT_EQ(read.status.value_or(0), row.status);
    EXPECT_EQ(read.retry_after_ms.value_or(-1), row.retry_after_ms);
    EXPECT_EQ(read.html, row.html);
  }
}

TEST(ErrorBody, LongTextIsCutAtACharacter) {
  std::string body(kMaxErrorText - 1, 'a');
  body += "日本";
  const ErrorBody read = read_error_body(body, "text/plain");
  EXPECT_EQ(read.message, std::string(kMaxErrorText - 1, 'a'));
}

TEST(ErrorBody, HugeBodiesAreReadToTheLimitOnly) {
  const std::string body = R"({"error":")" + std::string(10 * kMaxErrorBody, '<') + "\"}";
  const ErrorBody read = read_error_body(body, kJson);
  EXPECT_LE(read.message.size(), kMaxErrorText);
  EXPECT_EQ(read_error_value(json{{"error", std::string(1 << 22, '<')}}).message.size(), kMaxErrorText);
}

TEST(ErrorBody, ListsWithoutWordsSayNothing) {
  EXPECT_EQ(read_error_body(R"({"error":[1,2,3,4,5,6]})", kJson).message, "");
  EXPECT_EQ(read_error_body(R"({"error":["a",2,3,4,5,6]})", kJson).message, "a; and 1 more");
}

TEST(ErrorBody, TagsAreGoneAndNoCharacterIsCut) {
  EXPECT_EQ(read_error_body(R"({"error":"<<b>b>hi"})", kJson).message, "hi");
  EXPECT_EQ(read_error_body(R"({"errors":["<b","x>hi"]})", kJson).message, "hi");
  std::string long_text;
  for (int i = 0; i < 2500; ++i) long_text += "<b>";
  long_text += "x";
  for (int i = 0; i < 600; ++i) long_text += "\xc3\xa9";
  const std::string message = read_error_value(json{{"error", long_text}}).message;
  EXPECT_EQ(message.substr(message.size() - 2), "\xc3\xa9");
}

TEST(ErrorBody, NestingEndsSomewhere) {
  std::string body = R"("x")";
  for (int i = 0; i < 50; ++i) body = R"({"error":)" + body + "}";
  EXPECT_EQ(read_error_body(body, kJson).message, "");
}

}  // namespace
}  // namespace tierwise::reply
