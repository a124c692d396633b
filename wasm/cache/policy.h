// May this reply be stored? Only one that a later request can be given in good faith: whole, unfiltered, and from a
// request that did not ask for variety.
//
// Rules, in this order; the first that refuses gives the sentence:
//   noStore      the caller said so
//   variety      the caller wants a new wording each time
//   provider     a mock's replies are never stored: they would outlive the test or demo they were made for
//   complete     the transport saw the end its protocol defines; cut and cancelled replies are refused
//   filtered     a reply changed or withheld by a filter is refused
//   finish       `stop`; also `unknown`, because Gradio and the plain contract have no word for why a reply ended.
//                Refused are `length` (an unfinished reply), `tool-calls` (an action to take now), `content-filter`
//                and `other` (a reason of the server's own, which may be any of these)
//   bytes        an empty reply is refused, and one larger than the index takes
//   temperature  up to 1.0: the model's own distribution, or narrower. The default of the requirements is 0.7 and
//                people expect a repeat to be answered at once. Above 1.0 the caller flattened the distribution on
//                purpose, which is asking for variety
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"

namespace tierwise::cache {

inline constexpr double kMaxStoredTemperature = 1.0;

// StorableRequest -> StorableResult (js/core-types.ts) as JSON text. `largest`: bytes of the largest entry the index
// takes.
Result<std::string> storable(const json& outcome, double largest);

}  // namespace tierwise::cache
