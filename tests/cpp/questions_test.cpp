#include "cache/questions.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>

namespace tierwise::cache {
namespace {

std::string file(const std::string& name) {
  std::ifstream in(TIERWISE_MODELS_DIR "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Reading& reading() {
  static Reading* read = [] {
    auto* made = new Reading;
    EXPECT_TRUE(made->pieces.load(file("all-MiniLM-L6-v2/vocab.txt")));
    made->light = embed::LightTable::read(file("all-MiniLM-L6-v2/light.bin")).value();
    made->lexicon = std::move(guard::Lexicon::read(file("guard/words.bin"))).value();
    made->judge = std::move(guard::Judge::read(file("guard/judge.bin"))).value();
    return made;
  }();
  return *read;
}

Digest scope(std::string_view name) { return sha256(name); }

std::uint32_t stored(Questions& questions, std::string_view of, std::string_view text) {
  const std::uint32_t number = questions.open(scope(of), text).value();
  questions.keep(number);
  return number;
}

bool has(const json& list, std::uint32_t question) {
  for (const json& one : list) {
    if (one["question"].get<std::uint32_t>() == question) return true;
  }
  return false;
}

TEST(Questions, FindsOtherWordingsAndRefusesNearMissesWithTheirRule) {
  Questions questions(reading());
  const std::uint32_t known = stored(questions, "a", "How do I enable two-factor authentication?");
  struct Row {
    const char* text;
    const char* refused;  // nullptr: a candidate
  };
  for (const Row& row : {Row{"how can i enable two factor authentication", nullptr}, {"How do I disable two-factor authentication?", "antonym"}}) {
    const std::uint32_t asked = questions.open(scope("a"), row.text).value();
    const json found = parse_json(questions.candidates(asked)).value();
    EXPECT_EQ(has(found["candidates"], known), row.refused == nullptr) << row.text;
    if (row.refused != nullptr) {
      ASSERT_EQ(found["refused"].size(), 1u) << row.text;
      EXPECT_EQ(found["refused"][0]["rule"].get<std::string>(), row.refused);
      EXPECT_FALSE(found["refused"][0]["reason"].get<std::string>().empty());
    }
    questions.drop(asked);
  }
}

TEST(Questions, OfAnotherScopeAreNeverLookedAt) {
  Questions questions(reading());
  stored(questions, "tenant 1", "What is the capital of France?");
  const std::uint32_t asked = questions.open(scope("tenant 2"), "What is the capital of France?").value();
  EXPECT_EQ(questions.candidates(asked), "{\"candidates\":[],\"refused\":[]}");
}

// Random histories: what is found was kept in the very scope, and is still there.
TEST(Questions, NeverCrossScopesInRandomHistories) {
  Questions questions(reading());
  std::mt19937 chance(7);
  const std::vector<std::string> texts = {"How do I reset my password?", "how can I reset my password", "Reset my password",
                                          "What is the weather in Paris?", "Translate this to French", ""};
  std::map<std::uint32_t, std::string> kept;
  for (int step = 0; step < 3000; ++step) {
    const std::string of = "user " + std::to_string(chance() % 7);
    const std::uint32_t number = questions.open(scope(of), texts[chance() % texts.size()]).value();
    ASSERT_EQ(kept.count(number), 0u);
    const json found = parse_json(questions.candidates(number)).value();
    for (const char* list : {"candidates", "refused"}) {
      for (const json& one : found[list]) {
        const auto other = one["question"].get<std::uint32_t>();
        ASSERT_EQ(kept.count(other), 1u);
        EXPECT_EQ(kept[other], of);
      }
    }
    if (chance() % 2 == 0) {
      questions.keep(number);
      kept[number] = of;
    } else {
      questions.drop(number);
    }
    if (!kept.empty() && chance() % 3 == 0) {
      auto gone = kept.begin();
      std::advance(gone, static_cast<long>(chance() % kept.size()));
      questions.drop(gone->first);
      kept.erase(gone);
    }
  }
}

TEST(Questions, VectorsAreKeptAndComeBackOrAreRefused) {
  Questions questions(reading());
  const std::string text = "Grüße: wie wird das Wetter 🌦 morgen?";
  const std::uint32_t number = questions.open(scope("a"), text).value();
  EXPECT_TRUE(questions.vectors_of(number).empty());
  const std::size_t tokens = questions.tokens(number).size();
  std::vector<float> vectors(tokens * guard::kModelDimensions);
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = static_cast<float>(i % 97) - 48;
  questions.set_vectors(number, vectors.data(), tokens);
  ASSERT_TRUE(questions.has_vectors(number));
  const std::string saved = questions.vectors_of(number);
  const std::uint32_t again = questions.restore(scope("b"), text, saved).value();
  EXPECT_EQ(questions.vectors_of(again), saved);
  for (std::size_t size = 0; size < saved.size(); ++size) {
    if (size > 0) EXPECT_FALSE(questions.restore(scope("b"), text, saved.substr(0, size))) << size;
  }
  EXPECT_FALSE(questions.restore(scope("b"), "shorter", saved));
}

TEST(Questions, TakesWhateverIsAsked) {
  Questions questions(reading());
  EXPECT_FALSE(questions.open(scope("a"), std::string(Questions::kMostBytes + 1, 'x')));
  for (const std::string& text : {std::string(), std::string(" \n"), std::string("\xff\xfe"), std::string("👩‍👩‍👧‍👦"),
                                  std::string("مرحبا"), std::string(Questions::kMostBytes, 'y')}) {
    stored(questions, "a", text);
    const std::uint32_t asked = questions.open(scope("a"), text).value();
    EXPECT_TRUE(parse_json(questions.candidates(asked)));
    questions.drop(asked);
  }
}

}  // namespace
}  // namespace tierwise::cache
