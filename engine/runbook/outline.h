// What a runbook says, free of any format: a list of blocks that each format renders in its own way.
//
// One rule: text here is as the plan has it; escaping belongs to the format.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "engine/runbook/diagram.h"
#include "plans/plan.h"

namespace falsework::runbook {

struct Span {
  enum class Kind { kPlain, kCode, kStrong };
  Kind kind = Kind::kPlain;
  std::string text;
  std::string to = {};  // anchor of a heading that it leads to, where the format has links; may be empty
  bool operator==(const Span&) const = default;
};
using Text = std::vector<Span>;

inline Span plain(std::string text) { return {Span::Kind::kPlain, std::move(text)}; }
inline Span code(std::string text) { return {Span::Kind::kCode, std::move(text)}; }
inline Span strong(std::string text) { return {Span::Kind::kStrong, std::move(text)}; }
inline Span link(std::string text, std::string to) { return {Span::Kind::kPlain, std::move(text), std::move(to)}; }

// What a heading says at a glance; the text below it says the same in full.
struct Badge {
  enum class Tone { kQuiet, kLock, kGate, kDanger, kGood };
  std::string text;
  Tone tone = Tone::kQuiet;
};
struct Heading {
  int level = 1;  // 4: a step, which a format may fold
  Text text;
  std::string anchor = {};  // letters, digits, `-` and `_`; unique in the outline
  std::vector<Badge> badges = {};
};
struct Paragraph {
  Text text;
};
struct Bullets {
  std::vector<Text> items;
  bool checklist = false;
};
struct Table {
  std::vector<Text> header;  // all empty: a table of names and values
  std::vector<std::vector<Text>> rows;
};
struct Listing {
  std::string language;
  std::string text;  // exact
};
struct Callout {
  enum class Kind { kNote, kWarning, kCaution };
  Kind kind = Kind::kNote;
  Text text;
};
struct Picture {
  Diagram diagram;
};
// What happens, in order, and what each stretch of it means for others.
struct TimeLine {
  struct Entry {
    enum class Kind { kWork, kGate, kPointOfNoReturn };
    Kind kind = Kind::kWork;
    Text what, waits, command, undo;
    std::string why = {};  // what it is for, in plain words
  };
  std::vector<Entry> entries;
};
using Block = std::variant<Heading, Paragraph, Bullets, Table, Listing, Callout, Picture, TimeLine>;
using Outline = std::vector<Block>;

struct Account;   // account.h
struct Measured;  // measured.h

// What is known beside the plan; all of it may be missing.
struct Known {
  const Account* account = nullptr;    // what happened in a run of it
  const Measured* measured = nullptr;  // what the live database says
};

// The whole runbook of a plan.
Outline outline(const Plan& plan, const Known& known = {});

}  // namespace falsework::runbook
