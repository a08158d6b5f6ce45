// The history of the journal: entries that are added and never changed, each with the hash of the one before it.
//
// One rule: the newest hash of a run stands in the run's own row, so that an entry that was cut off at the end is
// missed as well. Whoever adds an entry locks that row.
#pragma once

#include <string>
#include <string_view>

namespace falsework::journal {

// Spells `entry AS …, hashed AS …, chained AS …, logged AS …`, for a WITH of its own or at the end of another one,
// which add what `source` selects: run, step, event, generation, epoch, rows, duration_ms, sqlstate, detail.
std::string append_entries(std::string_view source);

// The hash that an entry should have, over its columns in the table `alias` and the hash of the entry before it.
std::string hash_expression(std::string_view alias);

}  // namespace falsework::journal
