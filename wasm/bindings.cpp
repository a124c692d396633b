// The whole boundary between the core and JavaScript: one Embind class.
//
// Text crosses as UTF-8 bytes. JavaScript asks `input(bytes)` for the address of a buffer the core owns, writes
// into it with encodeInto, and calls a method with the length; the answer lies at `output()`, its length is the
// method's result. A negative length marks an error envelope {"code","message","field"?} of that many bytes.
// Nothing a request creates needs .delete(); the one Core object is deleted by close().
#include <emscripten/bind.h>
#include <emscripten/val.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "bug/bug.h"
#include "core.h"

namespace {

using tierwise::Core;
using tierwise::Error;
using tierwise::json;
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

  double configure(double n) { return json_call(n, [&](const json& in) { return core_.configure(in); }); }
  double check(double n) { return json_call(n, [&](const json& in) { return core_.check(in); }); }
  double plan(double n) { return json_call(n, [&](const json& in) { return core_.plan(in); }); }
  double partition(double n) { return json_call(n, [&](const json& in) { return core_.partition(in); }); }
  double storable(double n) { return json_call(n, [&](const json& in) { return core_.storable(in); }); }
  double store(double n) { return json_call(n, [&](const json& in) { return core_.store(in); }); }
  double forget(double n) { return json_call(n, [&](const json& in) { return core_.forget(in); }); }
  double entries(double n) { return json_call(n, [&](const json& in) { return core_.entries(in); }); }
  double admit(double n) { return json_call(n, [&](const json& in) { return core_.admit(in); }); }
  double release(double n) { return json_call(n, [&](const json& in) { return core_.release(in); }); }
  double succeeded(double n) { return json_call(n, [&](const json& in) { return core_.succeeded(in); }); }
  double failed(double n) { return json_call(n, [&](const json& in) { return core_.failed(in); }); }
  double stage(double n) { return json_call(n, [&](const json& in) { return core_.stage(in); }); }
  double settle(double n) { return json_call(n, [&](const json& in) { return core_.settle(in); }); }

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

  std::string_view text(double n) const { return std::string_view(input_).substr(0, static_cast<std::size_t>(n)); }

  template <typename Method>
  double json_call(double n, Method method) {
    return guarded([&]() -> Result<json> {
      auto parsed = tierwise::parse_json(text(n));
      if (!parsed) return parsed.error();
      return method(parsed.value());
    });
  }

  template <typename Step>
  double guarded(Step step) {
    auto run = [&] {
      auto result = step();
      return result ? answer(std::move(result).value(), 1) : refuse(result.error());
    };
    struct Call {
      decltype(run)* run;
      double length;
    } call{&run, 0};
    std::string bug;
    const auto invoke = [](void* context) {
      auto* started = static_cast<Call*>(context);
      started->length = (*started->run)();
    };
    if (tierwise::survives(invoke, &call, bug)) return call.length;
    return refuse({"internal", bug});
  }

  double refuse(const Error& error) {
    json envelope = {{"code", error.code}, {"message", error.message}};
    if (!error.field.empty()) envelope["field"] = error.field;
    return answer(envelope, -1);
  }

  double answer(const json& value, int sign) { return answer(tierwise::dump_json(value), sign); }

  double answer(std::string text, int sign) {
    output_ = std::move(text);
    return sign * static_cast<double>(output_.size());
  }

  Core core_;
  std::string input_;
  std::string output_;
};

}  // namespace

EMSCRIPTEN_BINDINGS(tierwise) {
  emscripten::class_<BoundCore>("Core")
      .constructor<>()
      .function("version", &BoundCore::version)
      .function("input", &BoundCore::input)
      .function("output", &BoundCore::output)
      .function("memory", &BoundCore::memory)
      .function("configure", &BoundCore::configure)
      .function("check", &BoundCore::check)
      .function("plan", &BoundCore::plan)
      .function("partition", &BoundCore::partition)
      .function("lookUp", &BoundCore::look_up)
      .function("storable", &BoundCore::storable)
      .function("store", &BoundCore::store)
      .function("forget", &BoundCore::forget)
      .function("entries", &BoundCore::entries)
      .function("admit", &BoundCore::admit)
      .function("release", &BoundCore::release)
      .function("succeeded", &BoundCore::succeeded)
      .function("failed", &BoundCore::failed)
      .function("stage", &BoundCore::stage)
      .function("health", &BoundCore::health)
      .function("frame", &BoundCore::frame)
      .function("body", &BoundCore::body)
      .function("settle", &BoundCore::settle);
}
