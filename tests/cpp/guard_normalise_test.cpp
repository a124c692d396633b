#include "cache/guard/normalise.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "guard_files.h"

namespace tierwise::guard {
namespace {

// The words that mean something, in their order.
std::string read(std::string_view text) {
  std::string out;
  for (const Word& word : normalise(lexicon(), text).words) {
    if (word.kind == Kind::kLight) continue;
    if (!out.empty()) out += ' ';
    out += word.form;
  }
  return out;
}

TEST(Normalise, UnifiesWhatIsTheSame) {
  const char* const cases[][2] = {
      // number words, ordinals, thousands separators
      {"twenty-five lamps", "25 lamps"},
      {"two hundred and fifty lamps", "250 lamps"},
      {"a dozen lamps", "12 lamps"},
      {"half a dozen lamps", "6 lamps"},
      {"two dozen lamps", "24 lamps"},
      {"1,500 lamps", "1500 lamps"},
      {"3 million lamps", "3000000 lamps"},
      {"10k lamps", "10,000 lamps"},
      {"the third lamp", "the 3rd lamp"},
      {"World War II", "World War 2"},
      // units and times
      {"run 5km", "run 5 kilometers"},
      {"a run of 5 kilometres in the park", "a run of 5000 m in the park"},
      {"wait 90 minutes", "wait 1.5 hours"},
      {"wait half an hour", "wait 30 min"},
      {"wait an hour and a half", "wait 90 minutes"},
      {"wait two weeks", "wait 14 days"},
      {"pay $20", "pay 20 dollars"},
      {"20% off", "20 percent off"},
      {"wake me at 7pm", "wake me at 19:00"},
      {"wake me at 7 p.m.", "wake me at 7:00 PM"},
      {"wake me at 7 in the evening", "wake me at 19:00"},
      {"wake me at 12 pm", "wake me at noon"},
      {"it is 20 °C", "it is 20 degrees Celsius"},
      // dates
      {"on March 5, 2027", "on 5 March 2027"},
      {"on March 5th, 2027", "on 2027-03-05"},
      {"on the 4th of July", "on July 4"},
      // spelling
      {"my favourite colour", "my favorite color"},
      {"organise the theatre", "organize the theater"},
      {"a travelling jeweller", "a traveling jeweler"},
      {"the dialogue of the catalogue", "the dialog of the catalog"},
      {"analyse the behaviour", "analyze the behavior"},
      // contractions
      {"it doesn't work", "it does not work"},
      {"it can't work", "it cannot work"},
      {"whats new", "what is new"},
      {"I\u2019m late", "I am late"},
      // politeness, ways to ask
      {"Could you please tell me how to fold a shirt?", "How do I fold a shirt?"},
      {"I would like to know how to fold a shirt", "how to fold a shirt"},
      {"What are the steps to fold a shirt?", "How can I fold a shirt?"},
      {"Please write a poem. Thanks!", "Write a poem"},
      {"Would you mind explaining the plan?", "Explain the plan"},
      {"Tell me what entropy is", "What is entropy?"},
      {"Why is the sea salty?", "What is the reason the sea is salty?"},
      // what stands in front
      {"In Python, how do I sort a list?", "How do I sort a list in Python?"},
      {"If it rains, what should I wear?", "What should I wear if it rains?"},
      // abbreviations
      {"How big is the UK?", "How big is the United Kingdom?"},
      {"Answer asap", "Answer as soon as possible"},
      // two negations
      {"Is it not impossible to win?", "Is it possible to win?"},
      // other languages
      {"Wie kann ich mein Konto schließen?", "Wie kann man mein Konto schließen?"},
      {"Treffen um 19 Uhr", "Treffen um 19:00"},
      {"fünfundzwanzig Lampen für mich", "25 Lampen für mich"},
      {"Rendez-vous à 19h avec vous", "Rendez-vous à 19:00 avec vous"},
      {"Comment puis-je fermer mon compte ?", "Comment fermer mon compte ?"},
      {"¿Cómo puedo cerrar mi cuenta?", "¿Cómo cerrar mi cuenta?"},
      {"treinta y cinco lámparas para mí", "35 lámparas para mí"},
  };
  for (const auto& [a, b] : cases) EXPECT_EQ(read(a), read(b)) << a << " / " << b;
}

TEST(Normalise, KeepsApartWhatDiffers) {
  const char* const cases[][2] = {
      {"fifteen lamps", "fifty lamps"},   {"version 2.1", "version 2.10"},     {"7 am", "7 pm"},
      {"5 km", "5 m"},                    {"March 5", "May 5"},                {"C", "C++"},
      {"Alien", "Aliens"},                {"do it", "do not do it"},           {"\"I am\"", "\"I was\""},
      {"how do I plan it", "how do I plane it"}, {"column A", "column B"},     {"chapter IV", "chapter VI"},
  };
  for (const auto& [a, b] : cases) EXPECT_NE(read(a), read(b)) << a << " / " << b;
}

TEST(Normalise, SaysWhereWordsStand) {
  const std::string_view text = "In Köln, could you tell me the stock of 5km?";
  for (const Word& word : normalise(lexicon(), text).words) {
    ASSERT_LE(word.begin, word.end);
    ASSERT_LE(word.end, text.size());
    if (word.form == "stock" || word.form == "köln") {
      EXPECT_EQ(lower_case(text.substr(word.begin, word.end - word.begin)).substr(0, 1), word.form.substr(0, 1));
    }
  }
}

TEST(Normalise, KnowsLanguages) {
  struct {
    std::string_view text;
    Language language;
  } const cases[] = {
      {"What is the capital of France?", Language::kEnglish}, {"weather", Language::kEnglish},
      {"Wie ist das Wetter in Berlin?", Language::kGerman},   {"Quel temps fait-il à Paris ?", Language::kFrench},
      {"¿Qué tiempo hace en Madrid?", Language::kSpanish},    {"Che tempo fa nella città di Roma e perché?", Language::kOther},
      {"Какая погода в Москве?", Language::kOther},           {"東京の天気は?", Language::kOther},
      {"ما هو الطقس", Language::kOther},                      {"", Language::kEnglish},
  };
  for (const auto& c : cases) EXPECT_EQ(normalise(lexicon(), c.text).language, c.language) << c.text;
}

TEST(Normalise, IsBounded) {
  const std::string large(1'000'000, 'a');
  EXPECT_TRUE(normalise(lexicon(), large).cut);
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "ab ";
  const Words words = normalise(lexicon(), many);
  EXPECT_TRUE(words.cut);
  EXPECT_LE(words.words.size(), kMaxGuardWords);
  for (const std::string_view odd : {"", " \n", "\xff\xfe", "🎉🎉", "\"", "''", "...", "a\xc3", "-", "5:", "1/", "\xe2\x80\xae abc", "שלום עולם"}) {
    for (const Word& word : normalise(lexicon(), odd).words) EXPECT_LE(word.end, odd.size());
  }
}

}  // namespace
}  // namespace tierwise::guard
