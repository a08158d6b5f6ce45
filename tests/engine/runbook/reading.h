// Reads a rendered runbook back, so that what it says can be held to the plan. Shares nothing with the renderers.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace falsework::testing {

// What stands below one heading.
struct ReadSection {
  std::string title;
  std::vector<std::string> paragraphs;                        // items of lists too; markup removed
  std::vector<std::string> listings;                          // to the letter
  std::vector<std::vector<std::vector<std::string>>> tables;  // rows of cells, the header first if there is one
};

// The steps by number, and the other sections by their title.
struct ReadRunbook {
  std::map<int, ReadSection> steps;
  std::map<std::string, ReadSection> sections;
};

ReadRunbook read_markdown(const std::string& text);
ReadRunbook read_html(const std::string& text);

}  // namespace falsework::testing
