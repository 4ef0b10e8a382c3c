/* A host application of somebody else: an engine that starts and stops, and the version of the library. */

#include <jackfield/engine.h>
#include <stdio.h>

int main(void)
{
    jf_engine *engine;
    jf_status status = jf_engine_new(&engine);
    if (status == JF_OK) status = jf_engine_set(engine, JF_TEXT("listen"), JF_TEXT("ws://127.0.0.1:0"));
    if (status == JF_OK) status = jf_engine_start(engine);
    if (status == JF_OK) status = jf_engine_stop(engine, 10000);
    if (status == JF_OK) status = jf_engine_free(engine);
    if (status != JF_OK) return 1;
    printf("%s\n", jf_version_text());
    return jf_version() == JF_VERSION ? 0 : 1;
}
