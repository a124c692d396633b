// What the alignment of two prompts tells the judge, as numbers. Comparing b with a gives nearly the same: runs, breaks
// and tenses are counted along a. The order is that of models/build/guard/train.py, which gets them from the same code;
// a change of the order or of what one means makes the judge's weights worthless.
#pragma once

#include <cstddef>

#include "cache/guard/compare.h"

namespace tierwise::guard {

enum Sign : std::size_t {
  kLanguage,  // as Language counts
  kFewer,     // words that carry meaning, of the prompt with fewer, of the other
  kMore,
  kSharedLeast,  // share of the weight of each that is matched: the smaller, the larger
  kSharedMost,
  kUnmatchedLeast,  // unmatched words that carry meaning, fewer, more; their weight
  kUnmatchedMost,
  kUnmatchedWeight,
  kHeaviest,  // weight of the heaviest of them
  kSynonyms,
  kLooseSynonyms,
  kDerived,
  kSlips,               // matched but for a letter
  kStems,               // matched but for inflection
  kPrepositions,        // unmatched
  kStrongPrepositions,  // if, because, against, before ... of them
  kRoles,               // matched words behind different prepositions
  kInversions,          // pairs in another order; those without an excuse; their share of all pairs
  kBareInversions,
  kInversionShare,
  kQuestionsOneSided,
  kQuestionsSoft,  // "what" against another question
  kTasksOneSided,
  kTaskForQuestion,
  kModalsOneSided,
  kTenses,     // verbs or auxiliaries in another tense
  kSentences,  // of the prompt with more; difference
  kSentenceGap,
  kSubstitutions,   // unmatched words that stand in the same place
  kInsertions,      // words one has and the other has not
  kLoneInsertions,  // those with a preposition before them
  kPronouns,        // unmatched
  kScopes,          // unmatched weak ones ("any", "some")
  kRun,             // longest run of words equal in both, as a share of the shorter prompt
  kBytes,           // of the shorter to the longer
  kNegations,
  kLiterals,
  kBreaks,       // neighbours in one that are not in the other
  kHeadDiffers,  // the first word that carries meaning is unmatched, in either
  kTailDiffers,  // the last one
  kUnknown,      // unmatched words of no vocabulary
  kInitials,     // matched as initials
  kJoined,       // matched as one word for two
  kLights,       // light words only one of them has
  kPlaces,       // mean distance of matched words' places, as shares
  kRules,                           // whether each rule speaks against, in the order of Rule
  kRulesBoth = kRules + kRuleCount,  // and with a word of either prompt
  kNameWritten = kRulesBoth + kRuleCount,  // parts of rules: names with a capital letter
  kOrderBare,
  kOrderPassive,
  kOrderRole,
  kAntonymPlace,
  kYesNo,
  kQuestionOne,
  kTaskOne,
  kOrderExchanged,
  kSpareSigns,
};

}  // namespace tierwise::guard
