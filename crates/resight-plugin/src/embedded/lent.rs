//! Lends bytes to Python without a copy.

#![allow(unsafe_code)]

use std::ffi::c_int;
use std::sync::Arc;

use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;
use pyo3::{ffi, pyclass};

use crate::call::Data;

/// Read-only bytes that live as long as Python refers to them. Everything that takes a buffer takes
/// this: `memoryview`, `numpy.frombuffer`, `bytes`.
#[pyclass(frozen)]
pub(super) struct LentBytes(Arc<Vec<u8>>);

impl LentBytes {
    /// Copies only borrowed bytes.
    pub(super) fn new(data: &Data<'_>) -> Self {
        Self(match data {
            Data::Shared(bytes) => bytes.clone(),
            Data::Borrowed(bytes) => Arc::new(bytes.to_vec()),
        })
    }
}

#[pymethods]
impl LentBytes {
    /// # Safety
    /// `view` must be valid for writes. Python calls this with such a view.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: c_int,
    ) -> PyResult<()> {
        let bytes = &slf.get().0;
        let length = ffi::Py_ssize_t::try_from(bytes.len())
            .map_err(|_| PyBufferError::new_err("too many bytes"))?;
        let start = bytes.as_ptr().cast_mut().cast();
        // SAFETY: the view gets a reference to this object, which owns the bytes and never moves or
        // changes them (`frozen`, `Vec` behind `Arc`). As `read_only` is set, Python refuses a
        // writable view, so nothing writes through `start`.
        let filled = unsafe {
            let read_only = 1;
            ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, length, read_only, flags)
        };
        if filled == 0 {
            Ok(())
        } else {
            Err(PyErr::fetch(slf.py()))
        }
    }
}

#[cfg(test)]
mod tests {
    use pyo3::types::{PyBytes, PyDict};

    use super::*;

    #[test]
    fn python_sees_the_bytes_as_they_are_and_cannot_write_them() {
        let bytes: Arc<Vec<u8>> = Arc::new((0..=255).cycle().take(10_000).collect());
        Python::attach(|py| {
            let locals = PyDict::new(py);
            let lent = Bound::new(py, LentBytes::new(&Data::Shared(bytes.clone()))).unwrap();
            locals.set_item("lent", lent).unwrap();
            locals.set_item("twin", PyBytes::new(py, &bytes)).unwrap();
            py.run(
                c"
assert bytes(lent) == twin and memoryview(lent).readonly and len(memoryview(lent)) == 10_000
kept = memoryview(lent).cast('B', (100, 100))
del lent
try:
    kept[0, 0] = 1
except TypeError:
    pass
else:
    raise AssertionError('it was written')
",
                None,
                Some(&locals),
            )
            .unwrap();
            assert_eq!(Arc::strong_count(&bytes), 2, "Python keeps it");
            py.run(
                c"assert kept[1, 2] == twin[102]; del kept",
                None,
                Some(&locals),
            )
            .unwrap();
        });
        assert_eq!(Arc::strong_count(&bytes), 1);
    }
}
