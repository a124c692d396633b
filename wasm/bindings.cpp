// The whole boundary between the core and JavaScript: Embind functions over numbers.
//
// `open()` answers a core, which is the first argument of all others; `close(core)` ends it. Text crosses as UTF-8
// bytes. JavaScript asks `input(core, bytes)` for the address of a buffer the core owns, writes into it, and
// calls a function with the length; the answer lies at `output(core)`, its length is the function's result. A
// negative length marks an error envelope {"code","message","field"?} of that many bytes.
//
// Functions and numbers only: Embind's classes and strings take 4 KB (brotli) of glue that the one caller,
// js/core.ts, does not need (CMakeLists.txt). A bug of the core ends as a trap (base/json.h), which
// js/core.ts makes an error of.
#include <emscripten/bind.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "core.h"

namespace {

using tierwise::Core;
using tierwise::Error;
using tierwise::json;
using tierwise::JsonWriter;
using tierwise::Result;

class BoundCore {
 public:
  double input(double bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    // A buffer that once held a giant request is given back before the next one.
    // One that grows is not copied.
    if (input_.size() < size || (input_.size() > kKeepBytes && size <= kKeepBytes)) std::string().swap(input_);
    if (input_.size() < size) input_.resize(size);
    return address(input_.data());
  }
  double output() const { return address(output_.data()); }

  // The answer is the version of the package this was built for.
  double version() { return answer(TIERWISE_VERSION, 1); }

  // A method that takes a JSON value, given as JSON text of `n` bytes.
  double take_json(double n, Result<std::string> (*method)(Core&, const json&)) {
    auto parsed = tierwise::parse_json(text(n));
    return parsed ? answer(method(core_, parsed.value())) : refuse(parsed.error());
  }
  double look_up(double partition, double n, double now, double max_age, double allow_stale, double by_id) {
    return answer(core_.look_up(partition, text(n), now, max_age, allow_stale != 0, by_id != 0));
  }
  double add_template(double n) { return answer(core_.add_template(text(n))); }
  double render(double number, double n, double now, double steps, double bytes, double ways) {
    tierwise::prompt::RenderRequest request;
    request.now = now;
    request.limits.steps = static_cast<std::uint64_t>(steps);
    request.limits.output_bytes = static_cast<std::size_t>(bytes);
    const auto set = static_cast<unsigned>(ways);
    request.placeholders = (set & 1) != 0;
    request.short_texts = (set & 2) != 0;
    request.regular = (set & 4) != 0;
    return answer(core_.render(number, text(n), request));
  }
  double format_chat(double n) { return answer(core_.format_chat(text(n))); }
  double count_tokens(double family, double n) { return answer(core_.count_tokens(family, text(n))); }
  double health(double now) { return answer(core_.health(now)); }
  double frame(double protocol, double n) { return answer(core_.frame(protocol, text(n))); }
  double body(double protocol, double n) { return answer(core_.body(protocol, text(n))); }

 private:
  static constexpr std::size_t kKeepBytes = 1 << 20;

  static double address(const void* memory) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(memory)); }

  // What was asked before is answered, and a giant answer is not kept beside the next.
  std::string_view text(double n) {
    if (output_.size() > kKeepBytes) std::string().swap(output_);
    return std::string_view(input_).substr(0, static_cast<std::size_t>(n));
  }

  double answer(Result<std::string> result) {
    return result ? answer(std::move(result).value(), 1) : refuse(result.error());
  }
  double refuse(const Error& error) {
    JsonWriter envelope;
    envelope.open('{').text("code", error.code).text("message", error.message);
    if (!error.field.empty()) envelope.text("field", error.field);
    return answer(envelope.close('}').take(), -1);
  }

  double answer(std::string text, int sign) {
    output_ = std::move(text);
    return sign * static_cast<double>(output_.size());
  }

  Core core_;
  std::string input_;
  std::string output_;
};

// A core crosses as its address.
double open() { return static_cast<double>(reinterpret_cast<std::uintptr_t>(new BoundCore)); }
BoundCore& at(double core) { return *reinterpret_cast<BoundCore*>(static_cast<std::uintptr_t>(core)); }
void close(double core) { delete &at(core); }

// A method of BoundCore as a function.
template <auto kMethod, typename... Arguments>
double call(double core, Arguments... arguments) {
  return (at(core).*kMethod)(arguments...);
}

// A method of Core that takes a JSON value, as a function of one type for them all.
template <auto kMethod>
Result<std::string> take(Core& core, const json& input) {
  return (core.*kMethod)(input);
}
template <auto kMethod>
double json_call(double core, double n) {
  return at(core).take_json(n, take<kMethod>);
}

}  // namespace

EMSCRIPTEN_BINDINGS(tierwise) {
  using emscripten::function;
  function("open", &open);
  function("close", &close);
  function("version", &call<&BoundCore::version>);
  function("input", &call<&BoundCore::input, double>);
  function("output", &call<&BoundCore::output>);
  function("configure", &json_call<&Core::configure>);
  function("check", &json_call<&Core::check>);
  function("addTemplate", &call<&BoundCore::add_template, double>);
  function("render", &call<&BoundCore::render, double, double, double, double, double, double>);
  function("formatChat", &call<&BoundCore::format_chat, double>);
  function("contextBlock", &json_call<&Core::context_block>);
  function("phrases", &json_call<&Core::phrases>);
  function("mark", &json_call<&Core::mark>);
  function("countTokens", &call<&BoundCore::count_tokens, double, double>);
  function("plan", &json_call<&Core::plan>);
  function("partition", &json_call<&Core::partition>);
  function("lookUp", &call<&BoundCore::look_up, double, double, double, double, double, double>);
  function("storable", &json_call<&Core::storable>);
  function("store", &json_call<&Core::store>);
  function("forget", &json_call<&Core::forget>);
  function("entries", &json_call<&Core::entries>);
  function("admit", &json_call<&Core::admit>);
  function("release", &json_call<&Core::release>);
  function("succeeded", &json_call<&Core::succeeded>);
  function("failed", &json_call<&Core::failed>);
  function("stage", &json_call<&Core::stage>);
  function("health", &call<&BoundCore::health, double>);
  function("frame", &call<&BoundCore::frame, double, double>);
  function("body", &call<&BoundCore::body, double, double>);
  function("settle", &json_call<&Core::settle>);
}
