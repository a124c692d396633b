// What the token vectors of two prompts tell the judge. As in signs.h, nearly symmetric (contexts and crossings are those
// of a's tokens), and its order is the weights'.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "cache/guard/compare.h"
#include "cache/guard/judge.h"

namespace tierwise::guard {

enum VectorSign : std::size_t {
  kCosine,       // of the sentences
  kLowest,       // best match in the other prompt: of the token that matches worst, the worst three, all; weighted
                 // by
  kThreeLowest,  // whether the word found a partner
  kMean,
  kWeightedMean,
  kLeftLowest,  // of tokens of unmatched words; 1 when there are none
  kLeftMean,
  kContextLowest,  // of words both have, between their two contexts: swapped roles show here
  kContextMean,
  kSimilarLowest,  // between words matched as similar
  kLeftPairsMean,  // unmatched words, each with the best unmatched one of the other side
  kLeftPairsLowest,
  kLeftSums,    // between the sums of both sides' unmatched words
  kCrossing,    // share of pairs of best matches that cross
  kMutual,      // share of tokens that are their best match's best match
  kTokenRatio,  // the fewer tokens to the more
  kLightMean,   // of tokens of words without meaning
  kLightLowest,
  kBothMeansLow,  // the lower of both sides' means
  kTokens,        // of the longer prompt
  kLightCosine,   // of the static vectors
};

std::array<float, kVectorSignCount> vector_signs(const Comparison& words, const TokenVectors& a, const TokenVectors& b,
                                                 float cosine, std::vector<Doubt>* doubts);

}  // namespace tierwise::guard
