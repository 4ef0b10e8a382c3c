//! The macro that makes a library a plugin.

/// Exports a [`Plugin`](crate::Plugin) as the one function that a host looks up, `jackfield_plugin_v1`. Once in a crate.
///
/// It works under `#![forbid(unsafe_code)]`: the unsafe parts are this crate's, and held by its tests.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        /// Entry of this plugin, called by the host.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn jackfield_plugin_v1(
            host: *const $crate::__export::jf_host,
            out: *mut $crate::__export::jf_plugin,
        ) -> $crate::__export::jf_status {
            static SLOT: $crate::__export::Slot = $crate::__export::Slot::new();
            // SAFETY: the host hands over tables as plugin.h describes them.
            unsafe { $crate::__export::entry::<$plugin>(host, out, &SLOT) }
        }
    };
}
