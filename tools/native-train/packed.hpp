// The weights in the layout of tile products.
#pragma once
#include <algorithm>
#include "network.hpp"

/** Whether a pass keeps what the backward pass needs. */
enum class Pass { VALIDATION, TRAINING };

/** The weights as right operands of products; made anew whenever the weights have changed. */
struct PackedWeights {
  bf16* gates;             // [state, input] to the update and the reset gate: [units + WIDTH, 2 units]
  bf16* candidateState;    // state to candidate: [units, units]
  bf16* candidateInput;    // input to candidate: [WIDTH, units]
  bf16* outputs;           // [state, input] to hidden layer and logits: [units + WIDTH, hidden + SYMBOLS]
  bf16* outputHidden;      // hidden layer to logits: [hidden, SYMBOLS]
  // Transposed, for the backward pass:
  bf16* gatesToState;      // [update, reset, candidate's state part] to state: [3 units, units]
  bf16* gatesToInput;      // [update, reset, candidate's state part, candidate] to input: [4 units, WIDTH]
  bf16* outputsBack;       // [hidden + SYMBOLS, units + WIDTH]
  bf16* outputHiddenBack;  // [SYMBOLS, hidden]

  explicit PackedWeights(const Setup& setup) {
    const size_t units = setup.units, inputs = setup.inputs(), outputCount = setup.outputs();
    gates = allocate<bf16>(inputs * 2 * units);
    candidateState = allocate<bf16>(units * units);
    candidateInput = allocate<bf16>(WIDTH * units);
    outputs = allocate<bf16>(inputs * outputCount);
    outputHidden = allocate<bf16>(setup.hidden * SYMBOLS);
    gatesToState = allocate<bf16>(3 * units * units);
    gatesToInput = allocate<bf16>(4 * units * WIDTH);
    outputsBack = allocate<bf16>(inputs * outputCount);
    outputHiddenBack = allocate<bf16>(setup.hidden * SYMBOLS);
    gateRows_ = allocate<float>(inputs * 2 * units);
    outputRows_ = allocate<float>(inputs * outputCount);
    transposed_ = allocate<float>(4 * units * std::max<size_t>(units, WIDTH));
  }

  void update(const Network& network, Pass pass) {
    const Setup& setup = network.setup;
    const int units = setup.units, hidden = setup.hidden, inputs = setup.inputs(), outputCount = setup.outputs();
    for (int i = 0; i < inputs; i++) {
      // The candidate's columns are between those of the gates.
      float* gateRow = gateRows_ + static_cast<size_t>(i) * 2 * units;
      memcpy(gateRow, network.gateRow(i), units * sizeof(float));
      memcpy(gateRow + units, network.gateRow(i) + 2 * units, units * sizeof(float));
      float* outputRow = outputRows_ + static_cast<size_t>(i) * outputCount;
      memcpy(outputRow, network.hiddenRow(i), hidden * sizeof(float));
      memcpy(outputRow + hidden, network.outputRow(i), SYMBOLS * sizeof(float));
    }
    pack(gateRows_, inputs, 2 * units, 2 * units, gates);
    pack(network.stateWeights.weights + units, units, units, 3 * units, candidateState);
    pack(network.inputWeights.weights + units, WIDTH, units, 3 * units, candidateInput);
    pack(outputRows_, inputs, outputCount, outputCount, outputs);
    pack(network.outputHidden.weights, hidden, SYMBOLS, SYMBOLS, outputHidden);
    if (pass == Pass::VALIDATION) return;
    packGatesBack(network);
    packTransposed(outputRows_, outputCount, inputs, outputCount, outputsBack);
    packTransposed(network.outputHidden.weights, SYMBOLS, hidden, SYMBOLS, outputHiddenBack);
  }

 private:
  float *gateRows_, *outputRows_, *transposed_;

  /**
   * The candidate's gradient reaches the state through the reset gate and the input directly: to the state lead
   * [update, reset, state part], to the input [update, reset, zeros, candidate]. With the zeros, the product reads
   * the gradients where they are.
   */
  void packGatesBack(const Network& network) {
    const int units = network.setup.units;
    const int columns[] = {0, 2 * units, units, units};
    for (int part = 0; part < 3; part++)
      copyTransposed(network.stateWeights.weights + columns[part], units, units, part);
    pack(transposed_, 3 * units, units, units, gatesToState);
    for (int part = 0; part < 4; part++)
      copyTransposed(network.inputWeights.weights + columns[part], WIDTH, units, part);
    memset(transposed_ + static_cast<size_t>(2 * units) * WIDTH, 0, units * WIDTH * sizeof(float));
    pack(transposed_, 4 * units, WIDTH, WIDTH, gatesToInput);
  }

  /** @param from - [rows, units], with rows of 3 units; the copy is the `part`-th block of [units, rows]. */
  void copyTransposed(const float* from, int rows, int units, int part) {
    float* to = transposed_ + static_cast<size_t>(part) * units * rows;
    for (int j = 0; j < units; j++)
      for (int i = 0; i < rows; i++)
        to[static_cast<size_t>(j) * rows + i] = from[static_cast<size_t>(i) * 3 * units + j];
  }
};
