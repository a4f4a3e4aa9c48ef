#pragma once
// The superblock of a ring that is only looked at.

#include <string>
#include <vector>

#include "base/core/result.h"
#include "base/fs/fs.h"
#include "storage/ring/check.h"
#include "storage/ring/internal/layout.h"

namespace nines::storage::ring {

// The newer valid slot of `path`/super. What is damaged is added to `damage`, when that is not
// null. Errors as check_ring().
Result<Super> read_super(Fs& fs, const std::string& path, std::vector<Damage>* damage);

}  // namespace nines::storage::ring
