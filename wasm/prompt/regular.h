// Which templates write a conversation message by message: what the loop writes for one message depends on named
// members of that message, on where it stands as far as Place says, and on what is the same for all of them. So what
// was written for a message can stand in another prompt, and a render may leave messages out (RenderRequest::regular).
//
// Decided from the text alone, and carefully: what is not plainly so is not regular. The last loop that stands inside of
// nothing but conditions goes over a given list, `{% for m in messages %}`; the list is spoken of nowhere else, but as
// messages[0].role and messages[-1].role; m only as m.role or m['role'], and not by the name of a dictionary's method;
// of `loop` only first, last, index and index0 where they ask for the first or for odd and even. Nothing remembers
// (namespace, cycler, joiner, names set outside from what filters and calls give), nothing is written to be taken back
// (macros, blocks of set, call and filter), and the loop goes to its end.
#pragma once

#include <string_view>
#include <vector>

#include "prompt/ast.h"

namespace tierwise::prompt {

struct Regular {
  enum Place : unsigned {
    kFirst = 1,
    kLast = 2,
    kOdd = 4,
    // Members of messages[0] and messages[-1] are read, also outside of the loop.
    kReadsFirst = 8,
    kReadsLast = 16,
  };

  // nullptr: it is not regular, and nothing else counts.
  const Node* loop = nullptr;
  std::string_view list;
  // Of messages: those that are read.
  std::vector<std::string_view> members;
  // Of all other variables.
  std::vector<std::string_view> names;
  unsigned places = 0;
};

// Its texts are the template's.
Regular regular_form(const Template& made);

}  // namespace tierwise::prompt
