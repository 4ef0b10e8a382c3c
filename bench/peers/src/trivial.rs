//! jsonrpsee with the smallest method that there can be.

use crate::Outcome;
use jsonrpsee::RpcModule;
use jsonrpsee::core::{JsonRawValue, RpcResult};
use jsonrpsee::server::{Server, ServerConfig};
use jsonrpsee::types::ErrorObjectOwned;

/// Serves without end.
pub async fn serve() -> Outcome {
    // The default of 100 connections is too few for some cases.
    let config = ServerConfig::builder().max_connections(4096).ws_only().build();
    let server = Server::builder().set_config(config).build("127.0.0.1:0").await?;
    let mut module = RpcModule::new(());
    module.register_method("echo", |params, (), _| -> RpcResult<Box<JsonRawValue>> {
        JsonRawValue::from_string(params.as_str().unwrap_or("null").to_owned())
            .map_err(|e| ErrorObjectOwned::owned(-32602, e.to_string(), None::<()>))
    })?;
    crate::tell(&format!("ws://{}", server.local_addr()?))?;
    server.start(module).stopped().await;
    Ok(())
}
