// The readers of foreign bytes, each as one function that takes any bytes and comes back.
//
// One rule: a refusal (Error) is the right answer to most inputs; a crash, a hang, an internal error or any other
// exception is a finding and leaves the function.
#pragma once

#include <string_view>

namespace falsework::test {

void read_declaration_json(std::string_view bytes);
void read_declaration_sql(std::string_view bytes);
// What is read as a plan is rendered and read again, and must be the same.
void read_plan(std::string_view bytes);
// Writes the bytes to a file and reads all of it as a ledger.
void read_ledger(std::string_view bytes);

}  // namespace falsework::test
