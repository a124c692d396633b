// The whole boundary between the core and JavaScript: one Embind class.
//
// Text crosses as UTF-8 bytes. JavaScript asks `input(bytes)` for the address of a buffer the core owns,
// writes into it with encodeInto, and calls a method with the length; the answer lies at `output()`, its
// length is the method's result. A negative length marks an error envelope {"code","message","field"?} of
// that many bytes. Nothing a request creates needs .delete(); the one Core object is deleted by close().
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "bug/bug.h"
#include "core.h"

namespace {

using tierwise::Core;
using tierwise::Error;
using tierwise::json;
using tierwise::JsonWriter;
using tierwise::Result;

class BoundCore {
 public:
  std::string version() const { return TIERWISE_VERSION; }

  double input(double bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    // A buffer that once held a giant request is given back before the next one.
    if (input_.size() > kKeepBytes && size <= kKeepBytes) std::string().swap(input_);
    if (input_.size() < size) input_.resize(size);
    return static_cast<double>(reinterpret_cast<std::uintptr_t>(input_.data()));
  }

  double output() const { return static_cast<double>(reinterpret_cast<std::uintptr_t>(output_.data())); }

  // Gives JavaScript a view of the module's memory, whichever way this Emscripten exports it.
  emscripten::val memory() const {
    static const unsigned char probe = 0;
    return emscripten::val(emscripten::typed_memory_view(1, &probe));
  }

  // One of the methods that take a JSON value, given as JSON text of `n` bytes.
  template <Result<std::string> (*kMethod)(Core&, const json&)>
  double take_json(double n) {
    return take_json(n, kMethod);
  }

  double look_up(double partition, double n, double now, double max_age, bool allow_stale) {
    return guarded([&] { return core_.look_up(partition, text(n), now, max_age, allow_stale); });
  }
  double health(double now) {
    return guarded([&] { return core_.health(now); });
  }
  double frame(double protocol, double n) {
    return guarded([&] { return core_.frame(protocol, text(n)); });
  }
  double body(double protocol, double n) {
    return guarded([&] { return core_.body(protocol, text(n)); });
  }

 private:
  static constexpr std::size_t kKeepBytes = 1 << 20;

  std::string_view text(double n) const {
    return std::string_view(input_).substr(0, static_cast<std::size_t>(n));
  }

  double take_json(double n, Result<std::string> (*method)(Core&, const json&)) {
    return guarded([&]() -> Result<std::string> {
      auto parsed = tierwise::parse_json(text(n));
      if (!parsed) return parsed.take_error();
      return method(core_, parsed.value());
    });
  }

  template <typename Step>
  double guarded(Step step) {
    struct Call {
      Step* step;
      Result<std::string> result;
    } call{&step, std::string()};
    const auto invoke = [](void* context) {
      auto* started = static_cast<Call*>(context);
      started->result = (*started->step)();
    };
    std::string bug;
    if (!tierwise::survives(invoke, &call, bug)) return refuse({"internal", bug, ""});
    return call.result ? answer(std::move(call.result).value(), 1) : refuse(call.result.error());
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

// Any method of Core that takes a JSON value, as a function of one type for them all.
template <auto kMethod>
Result<std::string> call(Core& core, const json& input) {
  return (core.*kMethod)(input);
}

}  // namespace

EMSCRIPTEN_BINDINGS(tierwise) {
  emscripten::class_<BoundCore>("Core")
      .constructor<>()
      .function("version", &BoundCore::version)
      .function("input", &BoundCore::input)
      .function("output", &BoundCore::output)
      .function("memory", &BoundCore::memory)
      .function("configure", &BoundCore::take_json<call<&Core::configure>>)
      .function("check", &BoundCore::take_json<call<&Core::check>>)
      .function("plan", &BoundCore::take_json<call<&Core::plan>>)
      .function("partition", &BoundCore::take_json<call<&Core::partition>>)
      .function("lookUp", &BoundCore::look_up)
      .function("storable", &BoundCore::take_json<call<&Core::storable>>)
      .function("store", &BoundCore::take_json<call<&Core::store>>)
      .function("forget", &BoundCore::take_json<call<&Core::forget>>)
      .function("entries", &BoundCore::take_json<call<&Core::entries>>)
      .function("admit", &BoundCore::take_json<call<&Core::admit>>)
      .function("release", &BoundCore::take_json<call<&Core::release>>)
      .function("succeeded", &BoundCore::take_json<call<&Core::succeeded>>)
      .function("failed", &BoundCore::take_json<call<&Core::failed>>)
      .function("stage", &BoundCore::take_json<call<&Core::stage>>)
      .function("health", &BoundCore::health)
      .function("frame", &BoundCore::frame)
      .function("body", &BoundCore::body)
      .function("settle", &BoundCore::take_json<call<&Core::settle>>);
}
