// The text: categories, the lanes that read them, and the table rows of every position.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>
#include "network.hpp"

/** Bytes that a lane reads in one piece. */
constexpr int PIECE = 65536;
/** The byte that is fed before the first one of a text. */
constexpr int START_TOKEN = 10;

/** Marsaglia's xorshift. */
struct Random {
  uint32_t state;

  explicit Random(uint32_t seed) : state(seed * 2654435761u + 1) {}

  uint32_t next() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
  }

  /** From 0 up to, but not including, 1. */
  double share() { return next() / 4294967296.0; }
};

/** The contexts of one text, as in src/train/contexts.ts: fed byte by byte, it tells the tables' rows. */
class ContextHasher {
 public:
  void reset() { std::fill(vector_, vector_ + CONTEXT_SIZE, 0.0); }

  void push(const Setup& setup, int byte) {
    for (int i = CONTEXT_BYTES - 1; i > 0; i--) vector_[i] = vector_[i - 1];
    vector_[0] = byte;
    double &word = vector_[CONTEXT_BYTES], &previous = vector_[CONTEXT_BYTES + 1];
    const double letter = setup.letters[byte];
    if (letter != 0) {
      word = fmod(word * setup.wordFactor + letter, setup.wordModulus);
    } else if (word != 0) {
      previous = word;
      word = 0;
    }
  }

  /** @param out - [tables], rows counted through all tables. */
  void rows(const Setup& setup, int* out) const {
    for (int table = 0; table < setup.tables; table++) {
      const double* coefficients = setup.coefficients.data() + table * CONTEXT_SIZE;
      double sum = 0;
      for (int i = 0; i < CONTEXT_SIZE; i++) sum += vector_[i] * coefficients[i];
      const uint64_t rows = setup.rows[table];
      out[table] = static_cast<int>(static_cast<uint64_t>(sum) % rows) + setup.first[table];
    }
  }

 private:
  double vector_[CONTEXT_SIZE] = {};
};

/** A kind of text. */
struct Category {
  std::string name;
  /** Its share of the lanes; 0 where it is only validated. */
  double weight;
  std::vector<uint8_t> training, validation;
  /** The pieces in the order of this epoch, and how many were handed out in all. */
  std::vector<uint32_t> order;
  size_t taken = 0;

  /** Where the next piece begins: every piece once an epoch, in random order. */
  size_t nextPiece(Random& random) {
    const uint32_t pieces = training.size() / PIECE;
    if (taken % pieces == 0) {
      order.resize(pieces);
      for (uint32_t i = 0; i < pieces; i++) order[i] = i;
      for (uint32_t i = pieces - 1; i > 0; i--) std::swap(order[i], order[random.next() % (i + 1)]);
    }
    return static_cast<size_t>(order[taken++ % pieces]) * PIECE;
  }
};

inline std::vector<uint8_t> readFile(const std::string& path) {
  FILE* file = fopen(path.c_str(), "rb");
  if (file == nullptr) fail("%s cannot be read", path.c_str());
  fseek(file, 0, SEEK_END);
  const long size = ftell(file);
  if (size < 0) fail("%s is no file", path.c_str());
  std::vector<uint8_t> bytes(size);
  rewind(file);
  if (fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) fail("%s cannot be read", path.c_str());
  fclose(file);
  return bytes;
}

/** Reads NAME.valid and, where it has a weight, NAME.train. */
inline Category readCategory(const std::string& folder, const std::string& name, double weight) {
  Category category{name, weight, {}, readFile(folder + "/" + name + ".valid"), {}};
  if (category.validation.size() < POSITIONS)
    fail("%s/%s.valid is shorter than %d bytes", folder.c_str(), name.c_str(), POSITIONS);
  if (weight == 0) return category;
  category.training = readFile(folder + "/" + name + ".train");
  if (category.training.size() < PIECE)
    fail("%s/%s.train is shorter than %d bytes", folder.c_str(), name.c_str(), PIECE);
  return category;
}

/** Lanes of each category in proportion to the weights; the largest remainders get the rest. */
inline std::vector<int> shareLanes(const std::vector<Category>& categories) {
  double total = 0;
  for (const Category& category : categories) total += category.weight;
  if (!(total > 0)) fail("no --data has a weight: nothing to train on");
  std::vector<int> shares;
  std::vector<std::pair<double, int>> remainders;
  int used = 0;
  for (size_t i = 0; i < categories.size(); i++) {
    const double exact = categories[i].weight / total * LANES;
    const int whole = static_cast<int>(exact);
    shares.push_back(whole);
    used += whole;
    remainders.push_back({exact - whole, static_cast<int>(i)});
  }
  std::sort(remainders.rbegin(), remainders.rend());
  for (int i = 0; used < LANES; i++, used++) shares[remainders[i].second]++;
  return shares;
}

/** One text that is being read. */
struct Lane {
  const uint8_t* text = nullptr;
  size_t at, end;
  ContextHasher hasher;
  int last;

  /** Begins a piece as a file does for the codec: without contexts, after the start token. */
  void begin(const uint8_t* newText, size_t from, size_t to) {
    text = newText;
    at = from;
    end = to;
    hasher.reset();
    last = START_TOKEN;
  }

  /** Begins a piece as if it stood in the same file as the one before. */
  void goOn(const uint8_t* newText, size_t from, size_t to) {
    text = newText;
    at = from;
    end = to;
  }
};

/** The inputs of a step. */
struct Segment {
  int* rows;         // [POSITIONS, tables + 1], the byte's row first
  uint8_t* targets;  // [POSITIONS], the bytes to predict
  uint8_t* kept;     // [POSITIONS], a bit for each row that was not left out

  explicit Segment(const Setup& setup)
      : rows(allocate<int>(POSITIONS * rowsPerPosition(setup))),
        targets(allocate<uint8_t>(POSITIONS)),
        kept(allocate<uint8_t>(POSITIONS)) {}

  /** Reads on in every lane. */
  void read(const Setup& setup, std::vector<Lane>& lanes) {
    for (int l = 0; l < LANES; l++) {
      Lane& lane = lanes[l];
      for (int t = 0; t < STEPS; t++) {
        const int n = t * LANES + l;
        int* to = rows + n * rowsPerPosition(setup);
        lane.hasher.push(setup, lane.last);
        to[0] = lane.last;
        lane.hasher.rows(setup, to + 1);
        lane.last = targets[n] = lane.text[lane.at + t];
      }
      lane.at += STEPS;
    }
  }
};
