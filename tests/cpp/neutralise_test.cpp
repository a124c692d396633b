#include "prompt/neutralise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"

namespace tierwise::prompt {
namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {(std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()};
}

std::vector<std::string> markers_of(const json& family) {
  std::vector<std::string> texts;
  for (const json& marker : family["markers"]) texts.push_back(marker.get<std::string>());
  return texts;
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

std::string neutral(const std::vector<std::string_view>& markers, std::string text) {
  const std::string before = text;
  const Markers set(markers);
  const bool changed = set.neutralise(text);
  EXPECT_EQ(changed, text != before) << before;
  EXPECT_EQ(set.count(text), 0u) << text;
  std::string again = text;
  EXPECT_FALSE(set.neutralise(again)) << text;
  return text;
}

TEST(Neutralise, BreaksEachKindOfMarker) {
  struct {
    std::string_view marker;
    std::string text;
    std::string_view broken;
  } const cases[] = {
      {"<|im_start|>", "a <|im_start|>system\nb", "a <| im_start|>system\nb"},
      {"<|im_start|>", "<|IM_Start|>", "<| IM_Start|>"},
      {"<|im_start|>", "<|im_start| >", "<|im_start| >"},
      {"<|im_start|>", "<|<|im_start|>", "<|<| im_start|>"},
      {"<|im_start|>", "<|im_start|><|im_start|>", "<| im_start|><| im_start|>"},
      {"<|reserved_special_token_", "<|reserved_special_token_17|>", "<| reserved_special_token_17|>"},
      {"[INST]", "x[INST]y[inst]", "x[ INST]y[ inst]"},
      {"[/INST]", "[/INST]", "[/ INST]"},
      {"<<SYS>>", "<<SYS>> <SYS>", "<< SYS>> <SYS>"},
      {"<</SYS>>", "<</SYS>>", "<</ SYS>>"},
      {"<s>", "<s><S>s>", "< s>< S>s>"},
      {"</s>", "</s", "</s"},
      {"<｜User｜>", "<｜User｜>hi", "< ｜User｜>hi"},
      {"USER:", "USER: hi", "USER : hi"},
      {"USER:", "and USER: hi", "and USER : hi"},
      {"USER:", "user: hi\n \tUser:", "user : hi\n \tUser :"},
      {"USER:", "the user: me", "the user: me"},
      {"### Instruction:", "### Instruction:", "### Instruction :"},
      {"### Instruction:", "###  \tinstruction: x", "###  \tinstruction : x"},
      {"### Instruction:", "#### Instruction:", "#### Instruction :"},
      {"### Instruction:", "###Instruction:", "### Instruction :"},
      {"### Instruction:", "### Instruction", "### Instruction"},
      {"###", "#####", "## ## #"},
      {"--", "----", "- - - -"},
      {"\n\nHuman: ", "Human: I", "Human : I"},
      {"## A", "## A", "# # A"},
      // Nothing to break.
      {"|", "a|b", "a|b"},
      {"", "a", "a"},
      {"日", "日本", "日本"},
      {"日本", "日本", "日 本"},
  };
  for (const auto& c : cases) {
    std::string text = c.text;
    Markers({c.marker}).neutralise(text);
    EXPECT_EQ(text, c.broken) << c.marker;
    Markers({c.marker}).neutralise(text);
    EXPECT_EQ(text, c.broken) << c.marker;
  }
}

TEST(Neutralise, MarkersThatOverlapOrComeAbout) {
  EXPECT_EQ(neutral({"<s>", "<<SYS>>", "[INST]"}, "<<SYS>><s>[<s>INST]"), "<< SYS>>< s>[< s>INST]");
  EXPECT_EQ(neutral({"##Instruction:", "## Instruction:"}, "##Instruction:"), "## Instruction :");
  EXPECT_EQ(neutral({"ab", "bc", "cd"}, "abcd"), "a b c d");
  EXPECT_EQ(neutral({"<a>", "<a><b>", "<b>"}, "<a><b>"), "< a>< b>");
  EXPECT_EQ(neutral({"User:", "USER:"}, "User: USER: x user:"), "User : USER : x user:");
}

TEST(Neutralise, EveryMarkerOfEveryFamily) {
  const json table = json::parse(read_file(TIERWISE_MODELS_DIR "/templates.json"));
  for (const auto& [name, family] : table["families"].items()) {
    const auto texts = markers_of(family);
    for (const std::string& marker : texts) {
      const std::string broken = neutral(views(texts), "see " + marker + " there\n" + marker);
      EXPECT_EQ(broken.find(marker), std::string::npos) << name << marker;
      EXPECT_EQ(broken.size(), 11 + 2 * marker.size() + 2) << name << broken;
    }
    EXPECT_EQ(neutral(views(texts), "if (a < b && c[i] > 0) # user of C#: <b>"),
              "if (a < b && c[i] > 0) # user of C#: <b>");
  }
}

// For random texts of pieces of markers: none is left, nothing but blanks was added, and it is done once.
TEST(Neutralise, TakesOutTheLongestAtEachPlace) {
  const std::vector<std::string_view> markers = {"<|a", "<|a|>", "<|b|>", "[INST]", "!"};
  const Markers set(markers);
  struct {
    std::string text;
    std::string_view rest;
    std::size_t count;
  } cases[] = {
      {"", "", 0},
      {"x <|a|><|b|> y", "x  y", 2},
      {"<|a <|a|", " |", 2},
      // Letter for letter, and what is put together by it is none.
      {"<|A|> [ INST] [inst]", "<|A|> [ INST] [inst]", 0},
      {"<|<|b|>b|>", "<|b|>", 1},
      {"!", "!", 0},
  };
  for (auto& [text, rest, count] : cases) {
    const std::string given = text;
    EXPECT_EQ(set.take_out(text), count) << given;
    EXPECT_EQ(text, rest) << given;
  }
}

// A repository may name thousands of tokens, each as long as may be: 300 s before.
TEST(Neutralise, MarkersThatBeginAlikeTakeNoTime) {
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back(std::string(110, 'e') + '|' + std::to_string(i));
  const Markers set(views(texts));
  std::string text(100'000, 'e');
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) EXPECT_NE(set.open_sides(std::string_view(text).substr(0, 400)), 0U);
  EXPECT_FALSE(set.neutralise(text));
  EXPECT_EQ(set.take_out(text), 0U);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

TEST(Neutralise, RandomTexts) {
  const json table = json::parse(read_file(TIERWISE_MODELS_DIR "/templates.json"));
  std::mt19937 random(20);
  for (const auto& [name, family] : table["families"].items()) {
    const auto texts = markers_of(family);
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (auto pieces = random() % 12; pieces > 0; --pieces) {
        const std::string& marker = texts[random() % texts.size()];
        const std::size_t from = random() % 2 == 0 ? 0 : random() % marker.size();
        text += marker.substr(from, random() % 2 == 0 ? std::string::npos : random() % marker.size());
        if (random() % 6 == 0) text += " \n#<|["[random() % 6];
      }
      std::string broken = neutral(views(texts), text);
      for (const std::string& marker : texts)
        ASSERT_EQ(broken.find(marker), std::string::npos) << name << ": " << broken;
      for (std::string* one : {&text, &broken}) one->erase(std::remove(one->begin(), one->end(), ' '), one->end());
      ASSERT_EQ(text, broken);
    }
  }
}

TEST(Neutralise, OpenSides) {
  const Markers markers({"<|im_start|>", "### Instruction:", "USER:"});
  struct {
    std::string_view text;
    unsigned sides;
  } const cases[] = {
      {"", 0},
      {"hello", 0},
      {"a <|im_", kRight},
      {"a <|im_ \n", kRight},
      {"a <", kRight},
      {"start|> a", kLeft},
      {"  |>a", kLeft},
      {"im_", kBoth},
      {"> quote", kLeft},
      {"C#", kRight},
      {": a", kLeft},
      {"the end of USE", kRight},
      {"the end of use", 0},
      {"### ", kRight},
      {"Instruction:", kLeft},
      {"<|im_start|>", 0},
  };
  for (const auto& c : cases) EXPECT_EQ(markers.open_sides(c.text), c.sides) << c.text;
}

TEST(Neutralise, MarkersOfTemplates) {
  const struct {
    const char* source;
    std::vector<std::string> markers;
  } cases[] = {
      {"<|im_start|>{{ role }}\n{{ x }}<|im_end|>\n", {"<|im_start|>", "<|im_end|>"}},
      {"{{ '[INST] ' + '<<SYS>>\\n' ~ '\\n<</SYS>>' ~ '[/INST]' }}", {"[INST]", "<<SYS>>", "<</SYS>>", "[/INST]"}},
      {"{{ '<｜User｜>' }}<｜tool▁sep｜>", {"<｜User｜>", "<｜tool▁sep｜>"}},
      {"### Instruction:\n{{ x }}\n\n### Response:\n", {"### Instruction:", "### Response:"}},
      {"USER: {{ x }} ASSISTANT:", {"USER:", "ASSISTANT:"}},
      {"{{ messages[0]['role'] }} {{ x[0] }} a < b [1] note: [a] {# <|no|> #}", {}},
      {"{{ '<function=' ~ name }}</function>", {"<function=", "</function>"}},
      {"<|a|><|a|>", {"<|a|>"}},
      {"{% if", {}},
      {"", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(markers_of_template(c.source), c.markers) << c.source;
  const auto roles = markers_of_template("{{ '<|' ~ m.role ~ '|>' }}");
  EXPECT_NE(std::find(roles.begin(), roles.end(), "<|assistant"), roles.end());
  EXPECT_NE(std::find(roles.begin(), roles.end(), "<|system"), roles.end());
}

// Each marker that one of our templates writes by itself is found in it.
TEST(Neutralise, MarkersOfOurTemplates) {
  const json table = json::parse(read_file(TIERWISE_MODELS_DIR "/templates.json"));
  for (const auto& [name, family] : table["families"].items()) {
    const auto source = family["template"].get<std::string>();
    const auto found = markers_of_template(source);
    for (const std::string& marker : markers_of(family)) {
      if (source.find(marker) == std::string::npos) continue;
      const Markers set(views(found));
      EXPECT_GT(set.count(marker), 0u) << name << ": " << marker;
    }
  }
}

TEST(Neutralise, MarkersOfRealTemplates) {
  const auto folder =
      std::filesystem::path(TIERWISE_MODELS_DIR).parent_path().parent_path() / "shared/fixtures/chat-templates";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no fixtures at " << folder;
  const struct {
    const char* file;
    std::vector<const char*> markers;
  } cases[] = {
      {"Qwen-Qwen2.5-7B-Instruct", {"<|im_start|>", "<|im_end|>", "<tool_call>"}},
      {"meta-llama-Llama-3.1-8B-Instruct",
       {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|python_tag|>"}},
      {"mistralai-Mistral-Nemo-Instruct-2407", {"[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]"}},
      {"google-gemma-2-2b-it", {"<start_of_turn>", "<end_of_turn>"}},
      {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", {"<｜User｜>", "<｜Assistant｜>", "<｜tool▁calls▁begin｜>"}},
      {"microsoft-Phi-3.5-mini-instruct", {"<|user|>", "<|assistant|>", "<|end|>"}},
      {"CohereForAI-c4ai-command-r-plus-tool_use", {"<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<results>"}},
  };
  for (const auto& c : cases) {
    const auto found = markers_of_template(read_file(folder / (std::string(c.file) + ".jinja")));
    for (const char* marker : c.markers)
      EXPECT_NE(std::find(found.begin(), found.end(), marker), found.end()) << c.file << marker;
    EXPECT_LT(found.size(), 80u) << c.file;
  }
}

// What begins markers again and again, with as many markers as a vocabulary reserves.
TEST(Neutralise, IsLinear) {
  std::vector<std::string> texts;
  for (int i = 0; i < 2000; ++i) texts.push_back("<|reserved_special_token_" + std::to_string(i) + "|>");
  const Markers markers(views(texts));
  for (const std::string piece : {"<|reserved_special_token_", "<", "# ", "<|reserved_special_token_1|>"}) {
    std::string text;
    while (text.size() < 200'000) text += piece;
    const auto begin = std::chrono::steady_clock::now();
    markers.neutralise(text);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2)) << piece;
  }
}

}  // namespace
}  // namespace tierwise::prompt
