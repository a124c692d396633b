#include "cache/takes_part.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/ascii.h"
#include "base/text.h"
#include "base/words.h"

namespace tierwise::cache {
namespace {

// With one of these it goes on from something.
constexpr std::string_view kGoesOn =
    "and but or so also then und aber oder et mais ou donc y e pero o entonces";
// Of two words or one, what only asks on.
constexpr std::string_view kAsksOn =
    "why how when where who what which really more again continue go yes no ok okay sure thanks please "
    "warum wieso weshalb wie wann wo wer was weiter mehr nochmal ja nein danke bitte "
    "pourquoi comment quand où qui quoi encore plus oui non merci "
    "por cómo cuándo dónde quién qué más sí gracias";
// Stands for what was said before.
constexpr std::string_view kStandsIn =
    "it its this that these those they them their he she him her his there one ones former latter above previous same "
    "such else instead more again "
    "es dies diese diesen dieser dieses davon dazu damit darin darüber dort ihn ihm ihnen "
    "il elle ils elles cela ça ceci celui celle ceux celles leur "
    "él ella ellos ellas eso esto aquello ese este esa esta";
// In a conversation, fewer words lean on it.
constexpr std::size_t kFewWords = 4;
// Phrases, `_` for the blanks in them.
constexpr std::string_view kWantsVariety =
    "surprise_me random randomly another something_else different_one one_more pick_a_number flip_a_coin roll_a "
    "überrasch überrasche zufällig zufällige zufälligen zufälliges noch_ein noch_eine noch_einen etwas_anderes "
    "surprends au_hasard un_autre une_autre autre_chose "
    "sorpréndeme aleatorio aleatoria al_azar otro otra";

// In small letters, one blank before each and behind the last.
std::string spaced_words(std::string_view text, std::size_t& count) {
  std::string out = " ";
  count = 0;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view rest = text.substr(i);
    // Beyond ASCII, what stands between words is in two blocks: "¿" and its like, and dashes and quotes.
    const std::size_t mark = rest.starts_with("\xC2") ? 2 : rest.starts_with("\xE2\x80") ? 3 : 0;
    const bool belongs = mark == 0 && (is_alphanumeric(rest[0]) || static_cast<std::uint8_t>(rest[0]) >= 0x80);
    if (belongs && !inside) ++count;
    if (belongs)
      out += lower_case(rest[0]);
    else if (inside)
      out += ' ';
    inside = belongs;
    if (mark != 0) i += mark - 1;
  }
  if (inside) out += ' ';
  return out;
}

// Whether `holds` is true of one of these words, with a blank between each two.
template <typename Holds>
bool any_word(std::string_view words, Holds holds) {
  for (words = trim(words); !words.empty();) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (holds(words.substr(0, end))) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

std::string_view why_left_out(std::string_view question, std::size_t turns) {
  if (turns > kMostTurns) return "It was asked late in a conversation.";
  std::size_t count = 0;
  std::string words = spaced_words(question, count);
  constexpr std::string_view kLeans = "It leans on what was said before.";
  if (count == 0) return "It has no words.";
  const std::string first = words.substr(1, words.find(' ', 1) - 1);
  if (has_word(kGoesOn, first) || (count <= 2 && has_word(kAsksOn, first))) return kLeans;
  const auto stands_in = [](std::string_view word) { return has_word(kStandsIn, word); };
  if (turns > 1 && (count < kFewWords || any_word(words, stands_in))) return kLeans;
  std::replace(words.begin(), words.end(), ' ', '_');
  const bool varies = any_word(kWantsVariety, [&](std::string_view phrase) {
    return words.find(fill("_{}_", {phrase})) != std::string::npos;
  });
  return varies ? "It wants something else each time." : std::string_view();
}

}  // namespace tierwise::cache
