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

  // The answer is empty.
  double load_words(double n) { return answer(meaning_.load_words(text(n))); }
  double load_judge(double n) { return answer(meaning_.load_judge(text(n))); }

  // Questions (cache/questions.h). The input is the scope, the question and `vectors` bytes; the result is its number, or
  // the length of an error.
  double open_question(double n, double vectors) {
    auto opened = meaning_.open_question(text(n), static_cast<std::size_t>(vectors));
    return opened ? opened.value() : refuse(opened.error());
  }
  double candidates(double question) { return answer(meaning_.questions().candidates(whole(question)), 1); }
  // How many tokens the transformer is to be given; they are `ids`.
  double question_tokens(double question) { return static_cast<double>(meaning_.questions().tokens(whole(question)).size()); }
  // The room holds their vectors.
  double set_vectors(double question, double tokens) {
    meaning_.set_vectors(whole(question), static_cast<std::size_t>(tokens));
    return 0;
  }
  double vectors_of(double question) { return answer(meaning_.questions().vectors_of(whole(question)), 1); }
  double judge(double question, double candidate, double policy, double least) {
    const auto chosen = static_cast<tierwise::guard::Policy>(static_cast<int>(policy));
    return answer(meaning_.questions().judge(whole(question), whole(candidate), chosen, least), 1);
  }
  double keep(double question) {
    meaning_.questions().keep(whole(question));
    return 0;
  }
  double drop(double question) {
    meaning_.questions().drop(whole(question));
    return 0;
  }
  double question_bytes() { return static_cast<double>(meaning_.questions().bytes()); }

 private:
  static std::uint32_t whole(double number) { return static_cast<std::uint32_t>(number); }

  static constexpr std::size_t kKeepBytes = 1 << 20;

  static double address(const void* memory) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(memory)); }

  std::string_view text(double n) const { return std::string_view(input_).substr(0, static_cast<std::size_t>(n)); }

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
  function("loadWords", &call<&BoundMeaning::load_words, double>);
  function("loadJudge", &call<&BoundMeaning::load_judge, double>);
  function("openQuestion", &call<&BoundMeaning::open_question, double, double>);
  function("candidates", &call<&BoundMeaning::candidates, double>);
  function("questionTokens", &call<&BoundMeaning::question_tokens, double>);
  function("setVectors", &call<&BoundMeaning::set_vectors, double, double>);
  function("vectorsOf", &call<&BoundMeaning::vectors_of, double>);
  function("judge", &call<&BoundMeaning::judge, double, double, double, double>);
  function("keep", &call<&BoundMeaning::keep, double>);
  function("drop", &call<&BoundMeaning::drop, double>);
  function("questionBytes", &call<&BoundMeaning::question_bytes>);
}
