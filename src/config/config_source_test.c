#include "config/config_source.h"

#include "weft_test.h"

#include "os/dirs.h"
#include "os/file.h"

#include <unistd.h>

static const char *const no_env[] = { NULL };

static struct config_source *parse(const char *text, const char *const *env)
{
    struct weft_err e;
    struct config_source *s = NULL;
    EXPECT_OK(config_source_parse(bytes_of_str(text), "/etc/fabric/orderer.yaml", "ORDERER", env,
                                  &s, &e));
    return s;
}

static void expect_found(const struct config_source *s, const char *key, const char *want)
{
    struct config_value v;
    EXPECT(config_source_find(s, key, &v));
    EXPECT_STR(v.text, want);
}

TEST(the_environment_goes_before_the_file)
{
    const char *const env[] = { "ORDERER_GENERAL_LISTENPORT=7051",
                                "ORDERER_GENERAL_LOCALMSPID=", "ORDERER_DEBUG_BROADCASTTRACEDIR=/t",
                                "ORDERER_GENERAL_LISTENPORTS=1", NULL };
    WEFT_CLEANUP(config_source_free)
    struct config_source *s =
        parse("General: { ListenPort: 7050, LocalMSPID: Org, ListenAddress: '::1' }\n", env);
    struct config_value v;
    expect_found(s, "General.ListenPort", "7051");
    expect_found(s, "General.LocalMSPID", "Org"); /* empty is unset */
    expect_found(s, "General.ListenAddress", "::1");
    expect_found(s, "Debug.BroadcastTraceDir", "/t"); /* not in the file */
    EXPECT(!config_source_find(s, "General.ListenPor", &v));
}

TEST(a_key_without_a_value_is_not_there)
{
    WEFT_CLEANUP(config_source_free)
    struct config_source *s = parse("General:\n  Certificate:\n", no_env);
    struct config_value v;
    EXPECT(!config_source_find(s, "General.Certificate", &v));
    EXPECT(!config_source_find(s, "General.PrivateKey", &v));
    EXPECT(config_source_find(s, "General", &v));
}

TEST(says_file_line_key_value_and_what_is_expected)
{
    struct weft_err e;
    struct config_value v;
    const char *const env[] = { "ORDERER_B=x\ny", NULL };
    WEFT_CLEANUP(config_source_free)
    struct config_source *s = parse("a:\n  Port: abc\n  l: [1]\n  m: { x: 1 }\n", env);
    EXPECT(config_source_find(s, "a.Port", &v));
    EXPECT_CODE(config_source_refuse(s, "a.Port", &v, "a port", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "/etc/fabric/orderer.yaml:2: a.Port is \"abc\": want a port");
    EXPECT(config_source_find(s, "a.l", &v));
    EXPECT_CODE(config_source_refuse(s, "a.l", &v, "a text", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "/etc/fabric/orderer.yaml:3: a.l is a list: want a text");
    EXPECT(config_source_find(s, "a.m", &v));
    EXPECT_CODE(config_source_refuse(s, "a.m", &v, "a text", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "/etc/fabric/orderer.yaml:4: a.m is a section: want a text");
    EXPECT(config_source_find(s, "b", &v));
    EXPECT_CODE(config_source_refuse(s, "b", &v, "a port", &e), WEFT_INVALID);
    EXPECT_STR(e.msg, "environment variable ORDERER_B is \"x\\x0ay\" (b of "
                      "/etc/fabric/orderer.yaml): want a port");
}

TEST(relative_paths_start_at_the_files_folder)
{
    WEFT_CLEANUP(config_source_free) struct config_source *s = parse("", no_env);
    WEFT_CLEANUP(arena_done) struct arena a = { 0 };
    EXPECT_STR(config_source_dir(s), "/etc/fabric");
    EXPECT_STR(config_source_resolve(s, "tls/ca.crt", &a), "/etc/fabric/tls/ca.crt");
    EXPECT_STR(config_source_resolve(s, "./msp/", &a), "/etc/fabric/msp");
    EXPECT_STR(config_source_resolve(s, "../x//y/.", &a), "/etc/x/y");
    EXPECT_STR(config_source_resolve(s, "../../../../x", &a), "/x");
    EXPECT_STR(config_source_resolve(s, "..", &a), "/etc");
    EXPECT_STR(config_source_resolve(s, "../..", &a), "/");
    EXPECT_STR(config_source_resolve(s, "..a/b..", &a), "/etc/fabric/..a/b..");
    EXPECT_STR(config_source_resolve(s, "/a/../b", &a), "/a/../b");
    EXPECT_STR(config_source_resolve(s, "", &a), "");
}

TEST(a_file_that_is_no_map_is_refused)
{
    struct weft_err e;
    struct config_source *s = NULL;
    EXPECT_CODE(config_source_parse(bytes_of_str("# x\n- a\n"), "/x.yaml", "X", no_env, &s, &e),
                WEFT_INVALID);
    EXPECT_STR(e.msg, "/x.yaml:2: want 'key: value' lines");
    EXPECT(s == NULL);
}

/* ---- finding the file ----------------------------------------------- */

static void write_file(const char *dir, const char *name, const char *text)
{
    struct weft_err e;
    WEFT_FREE char *path = weft_asprintf("%s/%s", dir, name);
    EXPECT_OK(file_write_atomic(path, bytes_of_str(text), 0644, &e));
}

TEST(looks_in_fabric_cfg_path_and_only_there)
{
    struct weft_err e;
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *var = weft_asprintf("FABRIC_CFG_PATH=%s", dir);
    const char *const env[] = { var, NULL };
    struct config_source *s = NULL;
    EXPECT_CODE(config_source_open("orderer", "ORDERER", env, &s, &e), WEFT_NOT_FOUND);
    EXPECT_STR(e.msg, "Could not find config file. Please make sure that FABRIC_CFG_PATH is set "
                      "to a path which contains orderer.yaml");
    write_file(dir, "orderer.yaml", "a: 1\n");
    EXPECT_OK(config_source_open("orderer", "ORDERER", env, &s, &e));
    expect_found(s, "a", "1");
    EXPECT_STR(config_source_dir(s), dir);
    config_source_free(s);
}

TEST(a_folder_that_is_not_there_is_said)
{
    struct weft_err e;
    const char *const env[] = { "FABRIC_CFG_PATH=/nonexistent/dir", NULL };
    struct config_source *s = NULL;
    EXPECT_CODE(config_source_open("core", "CORE", env, &s, &e), WEFT_NOT_FOUND);
    EXPECT_STR(e.msg, "FABRIC_CFG_PATH /nonexistent/dir does not exist");
}

TEST(without_it_the_working_folder_counts)
{
    struct weft_err e;
    WEFT_FREE char *dir = weft_test_dir();
    WEFT_FREE char *before = getcwd(NULL, 0);
    struct config_source *s = NULL;
    write_file(dir, "core.yaml", "a: 2\n");
    EXPECT_EQ(chdir(dir), 0);
    enum weft_code rc = config_source_open("core", "CORE", no_env, &s, &e);
    EXPECT_EQ(chdir(before), 0);
    EXPECT_OK(rc);
    expect_found(s, "a", "2");
    EXPECT_STR(config_source_dir(s), dir);
    config_source_free(s);
}
