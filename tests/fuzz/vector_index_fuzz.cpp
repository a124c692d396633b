// Random operations on the vector index, and random bytes for its reader. Whatever comes: the index agrees with a list
// of what it ought to hold, no partition's search yields another's row, what was saved comes back as it was, what is
// refused changes nothing, and nothing crashes.
//
// The first byte chooses: odd, the rest is a snapshot (its checksum is put right when the byte is 3 modulo 4); even,
// the rest is operations.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "embed/vector_index.h"
#include "embed/vector_snapshot.h"

namespace {

using tierwise::Checksum;
using namespace tierwise::embed;

constexpr std::size_t kDimensions = 19;

void require(bool holds) {
  if (!holds) std::abort();
}

std::string saved(const VectorIndex& index) {
  VectorSnapshotWriter writer(index);
  std::string all(static_cast<std::size_t>(writer.bytes()), '\0');
  require(writer.write(all) == all.size());
  char more;
  require(writer.write({&more, 1}) == 0);
  return all;
}

bool load(VectorIndex& index, std::string_view bytes, std::size_t piece) {
  VectorSnapshotReader reader(kDimensions);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.read(bytes.substr(at, piece))) return false;
  }
  return static_cast<bool>(reader.finish(index));
}

void read(std::string bytes, bool make_sum) {
  if (make_sum && bytes.size() >= 8) {
    Checksum checksum;
    checksum.update(std::string_view(bytes).substr(0, bytes.size() - 8));
    const std::uint64_t sum = checksum.value();
    std::memcpy(bytes.data() + bytes.size() - 8, &sum, sizeof sum);
  }
  VectorIndex index(kDimensions);
  const std::vector<float> one(kDimensions, 1.0F);
  require(static_cast<bool>(index.add(77, one)));
  const std::string before = saved(index);
  if (!load(index, bytes, 1 + bytes.size() % 97)) {
    require(saved(index) == before);
    return;
  }
  require(saved(index) == bytes);
  VectorIndex::Search search;
  search.partition = 1;
  search.k = 1000;
  require(index.search(one, search).value().size() == index.rows_of(1));
  const auto id = index.add(1, one);
  require(id && index.contains(id.value()) && index.remove(id.value()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 1 << 14) return 0;
  if (data[0] % 2 != 0) {
    read(std::string(reinterpret_cast<const char*>(data + 1), size - 1), data[0] % 4 == 3);
    return 0;
  }
  std::size_t at = 1;
  const auto byte = [&] { return at < size ? data[at++] : std::uint8_t{0}; };
  struct Entry {
    std::uint32_t partition;
    std::uint32_t tags;
  };
  std::map<std::uint32_t, Entry> entries;
  VectorIndex index(kDimensions);
  const auto vector = [&] {
    std::vector<float> made(kDimensions);
    const std::uint8_t kind = byte();
    if (kind == 255) {
      // Any bits at all.
      for (float& x : made) {
        std::uint8_t bits[4] = {byte(), byte(), byte(), byte()};
        std::memcpy(&x, bits, sizeof x);
      }
    } else {
      for (std::size_t i = 0; i < kDimensions; ++i)
        made[i] = static_cast<float>((kind + 1U) * (i + 3U) * 2654435761U % 255U) - 127;
    }
    return made;
  };
  while (at < size) {
    const unsigned operation = byte() % 8;
    const std::uint32_t partition = byte() % 4;
    if (operation <= 2) {
      for (unsigned n = operation == 0 ? byte() : 1; n > 0; --n) {
        const std::uint32_t tags = byte() % 4;
        const auto id = index.add(partition, vector(), tags);
        if (id) require(entries.emplace(id.value(), Entry{partition, tags}).second);
      }
    } else if (operation == 3) {
      const std::uint32_t id = byte();
      require(index.remove(id) == (entries.erase(id) == 1));
    } else if (operation == 4) {
      const std::uint32_t id = byte();
      const std::uint32_t tags = byte() % 4;
      if (index.update(id, vector(), tags)) entries.at(id).tags = tags;
    } else if (operation == 5 && byte() % 4 == 0) {
      require(index.drop(partition) ==
              std::erase_if(entries, [&](const auto& e) { return e.second.partition == partition; }));
    } else if (operation == 6) {
      VectorIndex back(kDimensions);
      const std::string bytes = saved(index);
      require(load(back, bytes, 1 + byte()) && saved(back) == bytes);
      index = std::move(back);
    } else {
      VectorIndex::Search search;
      search.partition = partition;
      search.k = byte();
      search.tags = byte() % 4;
      const auto hits = index.search(vector(), search);
      if (!hits) continue;
      std::size_t wanted = 0;
      for (const auto& [id, entry] : entries)
        wanted += entry.partition == partition && (entry.tags & search.tags) == search.tags;
      require(hits.value().size() == std::min(search.k, wanted));
      for (const auto& hit : hits.value()) {
        require(entries.at(hit.id).partition == partition && hit.score >= -1 && hit.score <= 1);
      }
    }
    require(index.size() == entries.size());
  }
  return 0;
}
