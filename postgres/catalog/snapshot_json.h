// The parts of a snapshot as JSON: of files, and of the server's own answers.
//
// One rule: strict both ways. An unknown key, a wrong type or a missing name is an error that names its path.
#pragma once

#include <string>

#include "postgres/catalog/snapshot.h"

namespace falsework::pg {

// Parses one part as the server's row_to_json gives it; keys that are absent keep their default.
// `what` names the source in errors. Throws Error(snapshot.invalid).
template <typename Part>
Part parse_part(const std::string& json, const std::string& what);

extern template Table parse_part<Table>(const std::string&, const std::string&);
extern template Column parse_part<Column>(const std::string&, const std::string&);
extern template Index parse_part<Index>(const std::string&, const std::string&);
extern template Constraint parse_part<Constraint>(const std::string&, const std::string&);
extern template Trigger parse_part<Trigger>(const std::string&, const std::string&);
extern template Policy parse_part<Policy>(const std::string&, const std::string&);
extern template ExtendedStatistics parse_part<ExtendedStatistics>(const std::string&, const std::string&);
extern template PublicationMember parse_part<PublicationMember>(const std::string&, const std::string&);
extern template View parse_part<View>(const std::string&, const std::string&);
extern template Function parse_part<Function>(const std::string&, const std::string&);
extern template SequenceShape parse_part<SequenceShape>(const std::string&, const std::string&);

}  // namespace falsework::pg
