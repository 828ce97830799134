//! What the functions of WASI do over files in memory, family by family.
