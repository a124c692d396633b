// HTML tags inside text of a server that is shown to people.
#pragma once

#include <string>
#include <string_view>

namespace tierwise {

// `text` without its tags, and without those that come to be when others are taken out ("<<b>b>"). Known names only,
// so that `<unk>`, `vector<int>` and "a < b" stay. Linear time.
std::string without_tags(std::string_view text);

}  // namespace tierwise
