// A writer of rows and of rows that reference them: keys that change their type, foreign keys that are to come.
#pragma once

#include <map>

#include "tests/clients/writer.h"

namespace falsework::test {

// What an application relies on when it deletes a row that others reference.
enum class OnDelete { kByHand, kCascade, kSetNull };

// Two tables with id, owner and note, of which the child references the parent.
struct FamilySpec {
  std::string parent, child;
  std::string reference;              // the child's column
  bool parent_key_generated = false;  // by a sequence or as identity
  bool child_key_generated = false;
  bool keys_widen = false;  // the new shape writes bigint, and beyond integer in the end
  bool child_key_widens = false;
  bool keys_cascade = false;               // ON UPDATE CASCADE
  bool child_first = false;                // the old shape inserts children before their parent: nothing forbids it yet
  OnDelete on_delete = OnDelete::kByHand;  // from the beginning
  OnDelete in_the_end = OnDelete::kByHand;  // once the run is done
};

class FamilyWriter final : public Writer {
 public:
  FamilyWriter(std::string name, Shape shape, int number, Traffic& traffic, FamilySpec spec, int parents);
  ~FamilyWriter() override { stop(); }

  void seed(Client& client) override;
  std::vector<std::string> compare(Client& client, Shape shape) override;

 protected:
  std::vector<Deed> deeds() override;
  std::vector<std::string> preparations() const override;

 private:
  struct Child {
    std::optional<std::int64_t> parent;
    std::string note;
  };
  using Parents = std::map<std::int64_t, std::string>;
  using Children = std::map<std::int64_t, Child>;

  std::string fresh_note();
  std::int64_t some_parent();
  std::int64_t some_child();
  std::int64_t new_child_key() { return next_key(spec_.child_key_widens); }
  Children children_of(std::int64_t parent, int count);
  // A key as this shape writes it: old and new differ by the width of the literal.
  std::string key(std::int64_t value) const;
  std::string reference(const std::optional<std::int64_t>& value) const;
  std::string insert_parents(const Parents& rows) const;
  std::string insert_children(const Children& rows) const;
  void take(const Children& rows);
  // Restates what deleting, or renumbering, a parent does to its children.
  void forget_parent(std::int64_t parent, OnDelete rule);
  std::vector<std::string> differences(const Rows& parents, const Rows& children) const;
  std::string read_parents() const;
  std::string read_children() const;

  void insert_parent();
  void insert_generated_child();
  void insert_many();
  void family();
  void load();
  void upsert();
  void update_note();
  void reparent();
  void detach();
  void renumber();
  void remove_children();
  void remove_parent();
  void merge();
  void prepared();
  void savepoints();
  void give_up();
  void read_then_write();
  void audit();

  const FamilySpec spec_;
  const int seeded_;
  long counter_ = 0;
  Parents parents_;
  Children children_;
};

}  // namespace falsework::test
