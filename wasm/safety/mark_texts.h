// The marks of several texts of one request, as JSON.
//
// Request: {texts: [{field, text}], policy: "mark" | "strip" | "refuse"}.
// Answer: {texts: [text], marks: [{field, kind, reason, count}]}: the texts as the policy leaves them, and what was
// found in them, each reason once for a field, in the order it was met.
// Errors: "invalid-input" with the field; "marked-text" with the field of the first text that has a mark, for "refuse".
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "safety/marks.h"

namespace tierwise::safety {

Result<std::string> mark_texts(const json& request, const Phrases& phrases);

}  // namespace tierwise::safety
