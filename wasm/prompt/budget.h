// Which messages and documents stay where not all fit into the model's context window.
//
// Always stay: system messages wherever they are, the last user message and all that follows it. Then, as long as
// there is room:
//   1. documents with a priority of 1 or more, the highest first;
//   2. turns, from the newest back to the first that does not fit: a user message with all that answers it, so that a
//      tool call is never parted from its results (what comes before the first user message is a turn too);
//   3. the other documents, the highest priority first (0 where none is declared).
// Of equal documents the earlier counts more. The first document that does not fit may be shortened to what room is
// left, if that is kLeastDocument tokens; those after it are dropped. So documents give way before turns do, and those
// that a caller declares to be worth more than old turns do not.
//
// Costs are asked for from the newest message back and only until the room is used: what a long history costs is what
// is kept of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace tierwise::prompt {

// In the order of kRoles; kLeftOut: a message that whoever asks did not bring along.
enum class Role : std::uint8_t { kSystem, kUser, kAssistant, kTool, kLeftOut };
inline constexpr std::string_view kRoles = "system user assistant tool";

inline constexpr double kLeastDocument = 64;
// What is longer cannot fit, and is not looked into: no text has tokens of so many bytes on average.
inline constexpr double kMostBytesPerToken = 32;
// Beyond, not all messages can fit: a token of any language is less on average.
inline constexpr double kBytesThatMayFit = 8;

// What must be known of a conversation, in tokens.
class Costs {
 public:
  virtual double message(std::size_t index, double room) = 0;
  virtual double document(std::size_t index, double room) = 0;

 protected:
  ~Costs() = default;
};

inline constexpr double kWhole = std::numeric_limits<double>::infinity();

struct Kept {
  // Messages before it are dropped, but those of the system.
  std::size_t from = 0;
  // Of each document the tokens that may stay: kWhole, or 0.
  std::vector<double> documents;
  // What those cost that need not have stayed.
  double used = 0;
  // There is room for messages that were left out: the rest is void, ask again with all.
  bool needs_more = false;
};

// The last user message; the first message where there is none.
std::size_t last_question(const std::vector<Role>& roles);

// `room`: tokens for what need not stay. More than `room` is answered for a message or document that is larger.
// Quadratic in the number of documents.
Kept keep_within(double room, const std::vector<Role>& roles, const std::vector<double>& priorities, Costs& costs);

// About `bytes` of a text that is longer, cut between characters: its beginning and its end with a note between them
// on lines of their own, or its beginning with a note behind it.
//   [... 1234 characters left out ...]
std::string cut_middle(std::string_view text, std::size_t bytes);
std::string cut_end(std::string_view text, std::size_t bytes);

}  // namespace tierwise::prompt
