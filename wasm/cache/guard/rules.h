// The rules that refuse: each looks at the words of two prompts that found no partner, or found one in
// another place, and has a name (Rule) and a sentence for people.
#pragma once

#include <string>
#include <string_view>

#include "cache/guard/align.h"
#include "cache/guard/compare.h"
#include "cache/guard/findings.h"
#include "cache/guard/signs.h"

namespace tierwise::guard {

struct Refusal {
  Rule rule = Rule::kNone;
  std::string reason;
  bool vetoes = false;  // it decides; otherwise the judge does
};

// The first rule that vetoes, else the first that speaks against, in the order of Rule; kNone when none does. `signs`
// hears of all of them. The texts are those of the prompts.
Refusal refuse(const Lexicon& lexicon, const Alignment& alignment, const Findings& findings, std::string_view a,
               std::string_view b, std::array<float, kSignCount>& signs);

// Words of scope that make no difference alone: "some", "good".
bool weak_scope(std::string_view form);
// Prepositions that turn a sentence: "if", "because", "against".
bool strong_preposition(std::string_view form);
// Is the prompt about the past? `by_helper`: "did", "was"; otherwise by a verb's form.
bool in_the_past(const Side& side, bool by_helper);

}  // namespace tierwise::guard
