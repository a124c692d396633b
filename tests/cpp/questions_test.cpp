#include "cache/questions.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <set>

#include "base/json.h"
#include "cache/takes_part.h"

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

json asked(Questions& questions, std::string_view of, std::string_view text) {
  auto answer = questions.ask(scope(of), text, 1, guard::Policy::kStrict);
  EXPECT_TRUE(answer) << text;
  json read = parse_json(answer.value()).value();
  if (read.contains("question")) questions.drop(read["question"].get<std::uint32_t>());
  return read;
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
    const json found = asked(questions, "a", row.text);
    EXPECT_EQ(found.contains("question"), row.refused == nullptr) << row.text;
    EXPECT_EQ(has(found["candidates"], known), row.refused == nullptr) << row.text;
    if (row.refused != nullptr) {
      ASSERT_EQ(found["refused"].size(), 1u) << row.text;
      EXPECT_EQ(found["refused"][0]["rule"].get<std::string>(), row.refused);
      EXPECT_FALSE(found["refused"][0]["reason"].get<std::string>().empty());
    }
  }
}

TEST(Questions, OfAnotherScopeAreNeverLookedAt) {
  Questions questions(reading());
  stored(questions, "tenant 1", "What is the capital of France?");
  EXPECT_EQ(questions.ask(scope("tenant 2"), "What is the capital of France?", 1, guard::Policy::kStrict).value(),
            "{\"candidates\":[],\"refused\":[]}");
}

// Random histories: what is found was kept in the very scope, and is still there.
TEST(Questions, NeverCrossScopesInRandomHistories) {
  Questions questions(reading());
  std::mt19937 chance(7);
  const std::vector<std::string> texts = {"How do I reset my password?", "how can I reset my password", "Reset my password",
                                          "What is the weather in Paris?", "Translate this to French", ""};
  std::map<std::uint32_t, std::string> kept;
  int seen = 0;
  for (int step = 0; step < 1000; ++step) {
    const std::string of = "user " + std::to_string(chance() % 7);
    const std::string& text = texts[chance() % texts.size()];
    const std::uint32_t number = questions.open(scope(of), text).value();
    ASSERT_EQ(kept.count(number), 0u);
    const json found = text.empty() ? parse_json("{\"candidates\":[],\"refused\":[]}").value() : asked(questions, of, text);
    for (const char* list : {"candidates", "refused"}) {
      for (const json& one : found[list]) {
        const auto other = one["question"].get<std::uint32_t>();
        ASSERT_EQ(kept.count(other), 1u);
        EXPECT_EQ(kept[other], of);
        ++seen;
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
  EXPECT_GT(seen, 100);
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
    EXPECT_EQ(bool(questions.restore(scope("b"), text, saved.substr(0, size))), size == 0) << size;
  }
  EXPECT_FALSE(questions.restore(scope("b"), "shorter", saved));
}

TEST(Questions, TakesWhateverIsAsked) {
  Questions questions(reading());
  EXPECT_FALSE(questions.open(scope("a"), std::string(Questions::kMostBytes + 1, 'x')));
  for (const std::string& text : {std::string(), std::string(" \n"), std::string("\xff\xfe"), std::string("👩‍👩‍👧‍👦"),
                                  std::string("مرحبا"), std::string(Questions::kMostBytes, 'y')}) {
    stored(questions, "a", text);
    const auto answer = questions.ask(scope("a"), text, 1, guard::Policy::kStrict);
    if (answer) {
      EXPECT_TRUE(parse_json(answer.value()));
    }
  }
}

TEST(TakesPart, OnlyWhatSaysByItselfWhatItAsks) {
  struct Row {
    const char* text;
    std::size_t turns;
    bool takes_part;
  };
  for (const Row& row : {
           Row{"How do I enable two-factor authentication?", 1, true},
           {"What is it like to live in Paris?", 1, true},
           {"Why is the sky blue?", 1, true},
           {"How do I enable two-factor authentication?", 3, true},
           {"How do I enable two-factor authentication?", 4, false},
           {"What is it like to live in Paris?", 2, false},
           {"And in winter?", 1, false},
           {"Why?", 1, false},
           {"why not", 1, false},
           {"Und im Winter?", 1, false},
           {"Pourquoi ?", 1, false},
           {"¿Por qué?", 1, false},
           {"price of diesel", 1, true},
           {"price of diesel", 2, false},
           {"Surprise me!", 1, false},
           {"Tell me a random fact", 1, false},
           {"How does randomness work?", 1, true},
           {"What do you know of randomness? Give me a random example", 1, false},
           {"Gib mir noch ein Beispiel", 1, false},
           {"Rock and roll a-ha", 1, false},
           {"", 1, false},
           {"?!", 1, false},
           {"🎉", 1, true},
       })
    EXPECT_EQ(why_left_out(row.text, row.turns).empty(), row.takes_part) << row.text << ": " << why_left_out(row.text, row.turns);
}

}  // namespace
}  // namespace tierwise::cache
