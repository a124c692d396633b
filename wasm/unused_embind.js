// Embind registers every type it knows at start, used or not. The bindings use doubles only; without the others' glue the
// package is 4 KB (brotli) smaller. A type named here and used all the same fails at its first call
// with "unbound types".
mergeInto(LibraryManager.library, {
  _embind_register_std_string: function () {},
  _embind_register_std_wstring: function () {},
  _embind_register_emval: function () {},
  _embind_register_memory_view: function () {},
  _embind_register_bigint: function () {},
  _embind_register_integer: function () {},
  _embind_register_bool: function () {},
});
