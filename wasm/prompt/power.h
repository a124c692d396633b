// pow() as the C library has it, rounded to the nearest double: without the tables of numbers that make the library's
// own a tenth of the template engine.
#pragma once

namespace tierwise::prompt {

// The special cases are those of C99 (annex F.9.4.4). Takes about a microsecond.
double power(double base, double exponent);

}  // namespace tierwise::prompt
