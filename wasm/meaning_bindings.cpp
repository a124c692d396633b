// The boundary between meaning.wasm and JavaScript, built as that of the core is (bindings.cpp): Embind functions of
// numbers, the first of which is what `open()` answered; text goes in by `input`, and answers lie at `output`, errors as
// envelopes of negative length. Arrays stay where they are: functions answer their address, which holds until the next
// call that makes another, and their length.
#include <emscripten/bind.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_writer.h"
#include "meaning.h"

namespace {

using tierwise::Error;
using tierwise::JsonWriter;
using tierwise::Meaning;
using tierwise::Result;

class BoundMeaning {
 public:
  double input(double bytes) {
    const auto size = static_cast<std::size_t>(bytes);
    // A buffer that once held a giant text is given back before the next one. One that grows is not copied.
    if (input_.size() < size || (input_.size() > kKeepBytes && size <= kKeepBytes)) std::string().swap(input_);
    if (input_.size() < size) input_.resize(size);
    return address(input_.data());
  }
  double output() const { return address(output_.data()); }

  // The answer is the version of the package this was built for.
  double version() { return answer(TIERWISE_VERSION, 1); }

  // The answer is empty.
  double load_vocabulary(double n, double expected) {
    return answer(meaning_.load_vocabulary(text(n), static_cast<std::size_t>(expected)));
  }
  // How many tokens the text has, at most `most` with the special ones; negative when it was cut.
  double encode(double n, double most, double special, double offsets) {
    tierwise::embed::WordPiece::Request request;
    request.most = static_cast<std::size_t>(most);
    request.special = special != 0;
    request.offsets = offsets != 0;
    const bool cut = meaning_.pieces().encode(text(n), request);
    const auto tokens = static_cast<double>(meaning_.pieces().ids().size());
    return cut ? -tokens : tokens;
  }
  // 32 bits each.
  double ids() { return address(meaning_.pieces().ids().data()); }
  // Two of 32 bits for each token.
  double offsets() { return address(meaning_.pieces().offsets().data()); }
  // The answer is the tokens as they stand in the vocabulary, one a line.
  double token_texts() { return answer(meaning_.token_texts(), 1); }

  // The answer is empty.
  double load_light(double n) { return answer(meaning_.load_light(text(n))); }
  // Of 32-bit floats, as many as the table has dimensions: of the last text.
  double light_vector() { return address(meaning_.light_vector().data()); }
  // Room for as many 32-bit floats.
  double room(double floats) { return address(meaning_.room(static_cast<std::size_t>(floats))); }
  // `tokens` rows of the room, from row `first` on, which must be there.
  double pool(double first, double tokens, double dimensions) {
    return address(meaning_.pool(static_cast<std::size_t>(first), static_cast<std::size_t>(tokens), static_cast<std::size_t>(dimensions)));
  }

 private:
  static constexpr std::size_t kKeepBytes = 1 << 20;

  static double address(const void* memory) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(memory)); }

  std::string_view text(double n) const { return std::string_view(input_).substr(0, static_cast<std::size_t>(n)); }

  double answer(Result<std::string> result) {
    if (result) return answer(std::move(result).value(), 1);
    const Error& error = result.error();
    JsonWriter envelope;
    envelope.open('{').text("code", error.code).text("message", error.message);
    if (!error.field.empty()) envelope.text("field", error.field);
    return answer(envelope.close('}').take(), -1);
  }
  double answer(std::string text, int sign) {
    output_ = std::move(text);
    return sign * static_cast<double>(output_.size());
  }

  Meaning meaning_;
  std::string input_;
  std::string output_;
};

double open() { return static_cast<double>(reinterpret_cast<std::uintptr_t>(new BoundMeaning)); }
BoundMeaning& at(double meaning) { return *reinterpret_cast<BoundMeaning*>(static_cast<std::uintptr_t>(meaning)); }
void close(double meaning) { delete &at(meaning); }

// A method of BoundMeaning as a function.
template <auto kMethod, typename... Arguments>
double call(double meaning, Arguments... arguments) {
  return (at(meaning).*kMethod)(arguments...);
}

}  // namespace

EMSCRIPTEN_BINDINGS(meaning) {
  using emscripten::function;
  function("open", &open);
  function("close", &close);
  function("version", &call<&BoundMeaning::version>);
  function("input", &call<&BoundMeaning::input, double>);
  function("output", &call<&BoundMeaning::output>);
  function("loadVocabulary", &call<&BoundMeaning::load_vocabulary, double, double>);
  function("encode", &call<&BoundMeaning::encode, double, double, double, double>);
  function("ids", &call<&BoundMeaning::ids>);
  function("offsets", &call<&BoundMeaning::offsets>);
  function("tokenTexts", &call<&BoundMeaning::token_texts>);
  function("loadLight", &call<&BoundMeaning::load_light, double>);
  function("lightVector", &call<&BoundMeaning::light_vector>);
  function("room", &call<&BoundMeaning::room, double>);
  function("pool", &call<&BoundMeaning::pool, double, double, double>);
}
