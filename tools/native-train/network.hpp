// The network's sizes and parameters. Its formulas are at the head of src/train/recurrent.ts.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>
#include "amx.hpp"

/** Texts that are read side by side, and bytes of each in a step. */
constexpr int LANES = 32, STEPS = 64;
/** Bytes of a step; what has one row for each is ordered by time, then by lane. */
constexpr int POSITIONS = LANES * STEPS;
/** Width of the embedding rows. */
constexpr int WIDTH = 64;
constexpr int SYMBOLS = 256;
/** Numbers that the contexts' hashes are made of: the last six bytes, the word so far, the word before it. */
constexpr int CONTEXT_BYTES = 6, CONTEXT_SIZE = CONTEXT_BYTES + 2;
/** One bit of a byte for each table and one for the byte's row say which rows were left out. */
constexpr int MOST_TABLES = 7;

/** What the network is like; `state.mjs init` writes it. */
struct Setup {
  int units, hidden, tables;
  /** Rows of each table, and where they begin: the rows of the bytes come first. */
  std::vector<int> rows, first;
  int totalRows;
  /** [tables, CONTEXT_SIZE]; integers, and all sums are below 2^53. */
  std::vector<double> coefficients;
  double wordFactor, wordModulus;
  /** What a byte is in the hash of a word; 0 where it is no letter. */
  double letters[256];

  /** Columns of the three gates' weights: update gate, candidate, reset gate. */
  int gates() const { return 3 * units; }
  /** Columns of what leads from [state, input] to the outputs: the hidden layer and the logits. */
  int outputs() const { return hidden + SYMBOLS; }
  /** Numbers of [state, input]. */
  int inputs() const { return units + WIDTH; }
};

/** Rows of embeddings that are summed at each position: of the byte and of every table. */
inline int rowsPerPosition(const Setup& setup) { return setup.tables + 1; }

inline Setup readSetup(const std::string& path) {
  FILE* file = fopen(path.c_str(), "r");
  if (file == nullptr) fail("--setup %s cannot be read", path.c_str());
  bool whole = true;
  auto number = [&] {
    double value = 0;
    whole = whole && fscanf(file, "%lf", &value) == 1;
    return value;
  };
  auto integer = [&] { return static_cast<int>(number()); };
  Setup setup;
  setup.units = integer();
  setup.hidden = integer();
  setup.tables = integer();
  if (!whole || setup.units < BLOCK || setup.units % BLOCK || setup.hidden < BLOCK || setup.hidden % BLOCK)
    fail("--setup %s: units and hidden must be positive multiples of %d", path.c_str(), BLOCK);
  if (setup.tables < 1 || setup.tables > MOST_TABLES)
    fail("--setup %s: %d tables, but 1 to %d are possible", path.c_str(), setup.tables, MOST_TABLES);
  setup.totalRows = SYMBOLS;
  for (int table = 0; table < setup.tables; table++) {
    setup.rows.push_back(integer());
    if (setup.rows[table] < 1) fail("--setup %s: a table has no rows", path.c_str());
    setup.first.push_back(setup.totalRows);
    setup.totalRows += setup.rows[table];
  }
  for (int i = 0; i < setup.tables * CONTEXT_SIZE; i++) setup.coefficients.push_back(number());
  setup.wordFactor = number();
  setup.wordModulus = number();
  for (double& letter : setup.letters) letter = number();
  fclose(file);
  if (!whole) fail("--setup %s ends too early, or holds what is no number", path.c_str());
  return setup;
}

/** Weights with their gradient and the moments of Adam. */
struct Parameter {
  const char* name;
  size_t size;
  float *weights, *first, *second;
  /** Null for the tables, whose gradient is that of the rows that a step touched. */
  float* gradient;

  Parameter(const char* name, size_t size, bool dense = true)
      : name(name),
        size(size),
        weights(allocate<float>(size)),
        first(allocate<float>(size)),
        second(allocate<float>(size)),
        gradient(dense ? allocate<float>(size) : nullptr) {}
};

/** All parameters, row-major. */
struct Network {
  Setup setup;
  Parameter inputWeights;  // [WIDTH, 3 units]: update gate, candidate, reset gate
  Parameter stateWeights;  // [units, 3 units], likewise
  Parameter gateBias;      // [3 units], likewise
  Parameter outputBias;    // [SYMBOLS]
  Parameter outputState;   // [units, SYMBOLS]
  Parameter outputInput;   // [WIDTH, SYMBOLS]
  Parameter hiddenState;   // [units, hidden]
  Parameter hiddenInput;   // [WIDTH, hidden]
  Parameter hiddenBias;    // [hidden]
  Parameter outputHidden;  // [hidden, SYMBOLS]
  Parameter tables;        // [totalRows, WIDTH]

  explicit Network(const Setup& s)
      : setup(s),
        inputWeights("inputWeights", size(WIDTH, s.gates())),
        stateWeights("stateWeights", size(s.units, s.gates())),
        gateBias("gateBias", s.gates()),
        outputBias("outputBias", SYMBOLS),
        outputState("outputState", size(s.units, SYMBOLS)),
        outputInput("outputInput", size(WIDTH, SYMBOLS)),
        hiddenState("hiddenState", size(s.units, s.hidden)),
        hiddenInput("hiddenInput", size(WIDTH, s.hidden)),
        hiddenBias("hiddenBias", s.hidden),
        outputHidden("outputHidden", size(s.hidden, SYMBOLS)),
        tables("tables", size(s.totalRows, WIDTH), false) {}

  /** All but the tables, in the order of state files. */
  std::array<Parameter*, 10> dense() {
    return {&inputWeights, &stateWeights, &gateBias,    &outputBias, &outputState,
            &outputInput,  &hiddenState,  &hiddenInput, &hiddenBias, &outputHidden};
  }

  /** Row `i` of the weights that lead from [state, input] to the hidden layer, the logits, the gates. */
  const float* hiddenRow(int i) const { return row(hiddenState.weights, hiddenInput.weights, i, setup.hidden); }
  const float* outputRow(int i) const { return row(outputState.weights, outputInput.weights, i, SYMBOLS); }
  const float* gateRow(int i) const { return row(stateWeights.weights, inputWeights.weights, i, setup.gates()); }
  /** The same rows of the gradients. */
  float* hiddenGradient(int i) { return row(hiddenState.gradient, hiddenInput.gradient, i, setup.hidden); }
  float* outputGradient(int i) { return row(outputState.gradient, outputInput.gradient, i, SYMBOLS); }
  float* gateGradient(int i) { return row(stateWeights.gradient, inputWeights.gradient, i, setup.gates()); }

 private:
  static size_t size(int rows, int columns) { return static_cast<size_t>(rows) * columns; }

  float* row(float* ofState, float* ofInput, int i, int columns) const {
    return i < setup.units ? ofState + size(i, columns) : ofInput + size(i - setup.units, columns);
  }
};
