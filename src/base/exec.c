/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the operator, run beside threads: nothing of this process but the environment reaches them.
 */
#include "base/exec.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/when.h"

extern char **environ;

enum { LINE_BYTES = 512, POLL_MS = 50, LAST_READS = 1024, EXIT_CODE_MAX = 127 };

/** Takes one word with its quotes off the front of *at into `word`; 0: a quote is left open. */
static int take_word(const char **at, char *word)
{
    char quote = '\0';

    for (; **at && (quote || !strchr(" \t", **at)); ++*at) {
        if (quote && **at == quote)
            quote = '\0';
        else if (!quote && (**at == '"' || **at == '\''))
            quote = **at;
        else if (**at == '\\' && quote != '\'' && (*at)[1])
            *word++ = *++*at;
        else
            *word++ = **at;
    }
    *word = '\0';
    return !quote;
}

md_err *md_command_words(const char *command, apr_pool_t *p, md_names **out)
{
    const char *at = command;

    *out = md_names_make(p);
    for (at += strspn(at, " \t"); *at; at += strspn(at, " \t")) {
        char *word = apr_palloc(p, strlen(at) + 1);

        if (!take_word(&at, word))
            return md_fail(p, MD_FAULT_CONFIG, "md:config", "the command line '%s' has an open quote",
                           command);
        md_names_add(*out, word);
    }
    if (!(*out)->nelts)
        return md_fail(p, MD_FAULT_CONFIG, "md:config", "the command line is empty");
    return NULL;
}

typedef struct listener {
    int fd;
    char line[LINE_BYTES], last[LINE_BYTES];
    size_t used;
    const char *program;
} listener;

static void end_line(listener *from)
{
    from->line[from->used] = '\0';
    if (from->used) {
        memcpy(from->last, from->line, sizeof(from->last));
        md_log(MD_LOG_INFO, 0, "%s says: %s", from->program, from->line);
    }
    from->used = 0;
}

/** Reads what is there; 0 at the end of the stream. */
static int listen_once(listener *from)
{
    char bytes[LINE_BYTES];
    ssize_t count = read(from->fd, bytes, sizeof(bytes));

    if (count <= 0)
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    for (ssize_t i = 0; i < count; ++i) {
        if (bytes[i] == '\n' || from->used == sizeof(from->line) - 1)
            end_line(from);
        if (bytes[i] != '\n')
            from->line[from->used++] = bytes[i];
    }
    return 1;
}

/** Standard streams and nothing else; the first action comes first, in case the pipe got a number below 3. */
static void plan_files(posix_spawn_file_actions_t *actions, int errors)
{
    posix_spawn_file_actions_init(actions);
    posix_spawn_file_actions_adddup2(actions, errors, 2);
    posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
    posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
}

/** A group of its own, and signals as a program expects them: httpd blocks and ignores some. */
static void plan_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(attributes);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

/** posix_spawn() makes only async-signal-safe calls in the child, and tells why a program could not be
 * started. */
static int spawn(const md_names *argv, int errors, pid_t *pid, apr_pool_t *p)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **words = apr_pcalloc(p, (apr_size_t)(argv->nelts + 1) * sizeof(*words));
    int rc;

    for (int i = 0; i < argv->nelts; ++i)
        words[i] = apr_pstrdup(p, MD_NAME(argv, i));
    plan_files(&actions, errors);
    plan_attributes(&attributes);
    rc = posix_spawn(pid, words[0], &actions, &attributes, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return rc;
}

/** Reads what the program left behind; what its own children still write is not waited for. */
static void listen_to_the_end(listener *from)
{
    struct pollfd ready = { .fd = from->fd, .events = POLLIN };

    for (int i = 0; i < LAST_READS && poll(&ready, 1, 0) > 0 && listen_once(from); ++i)
        ;
    end_line(from);
}

typedef enum ending { ENDED, KILLED, CANCELLED, LOST } ending;

/** Why the program is to end now, or ENDED. */
static ending over(const md_exec_limits *limits, apr_time_t begun)
{
    if (limits->cancelled && atomic_load(limits->cancelled))
        return CANCELLED;
    return apr_time_now() - begun > limits->timeout ? KILLED : ENDED;
}

/** Listens until the program has ended, and kills its group when that takes longer than allowed. */
static ending wait_for(pid_t pid, listener *from, const md_exec_limits *limits, int *status)
{
    struct pollfd ready = { .fd = from->fd, .events = POLLIN };
    const apr_time_t begun = apr_time_now();
    ending end = ENDED;
    int open = 1, pause = 1;
    pid_t ended;

    while ((ended = waitpid(pid, status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (end == ENDED && (end = over(limits, begun)) != ENDED)
            kill(-pid, SIGKILL);
        if (open && poll(&ready, 1, POLL_MS) > 0) {
            open = listen_once(from);
        } else if (!open) { /* mostly it is about to end: look again soon, then more and more seldom */
            poll(NULL, 0, pause);
            pause = pause * 2 < POLL_MS ? pause * 2 : POLL_MS;
        }
    }
    if (open)
        listen_to_the_end(from);
    else
        end_line(from);
    return ended < 0 ? LOST : end;
}

static md_err *judge(ending end, int status, const char *program, apr_interval_time_t timeout, apr_pool_t *p)
{
    if (end == LOST) /* somebody in this process collects every child, or ignores SIGCHLD */
        return md_fail(p, MD_FAULT_LOCAL, "md:command", "the exit code of %s was lost", program);
    if (end == CANCELLED)
        return md_fail(p, MD_FAULT_LOCAL, "md:cancelled", "%s was stopped, because the server ends", program);
    if (end == KILLED)
        return md_fail(p, MD_FAULT_LOCAL, "md:command", "%s took longer than %s and was stopped", program,
                       md_duration_words(timeout, p));
    if (!WIFEXITED(status))
        return md_fail(p, MD_FAULT_LOCAL, "md:command", "%s was ended by signal %d", program,
                       WTERMSIG(status));
    if (WEXITSTATUS(status) > EXIT_CODE_MAX)
        return md_fail(p, MD_FAULT_LOCAL, "md:command", "%s ended with exit code %d", program,
                       WEXITSTATUS(status));
    return NULL;
}

static md_err *cannot_run(int rc, const char *program, apr_pool_t *p)
{
    md_err *err = md_fail_status(p, APR_FROM_OS_ERROR(rc), "cannot run %s", program);

    err->type = "md:command";
    return err;
}

/** True and counted, or false: too many run. */
static int take_turn(const md_exec_limits *limits)
{
    const apr_time_t end = apr_time_now() + limits->patience;

    for (;;) {
        int running = atomic_load(&limits->turns->running);

        while (running < limits->turns->most)
            if (atomic_compare_exchange_weak(&limits->turns->running, &running, running + 1))
                return 1;
        if (apr_time_now() >= end || (limits->cancelled && atomic_load(limits->cancelled)))
            return 0;
        poll(NULL, 0, POLL_MS);
    }
}

static md_err *run(const md_names *argv, const md_exec_limits *limits, apr_pool_t *p, md_exec_result *out)
{
    const char *program = argv->nelts ? MD_NAME(argv, 0) : "";
    listener *from = apr_pcalloc(p, sizeof(*from));
    int ends[2], status = 0, rc;
    ending end;
    pid_t pid;

    *out = (md_exec_result){ -1, "" };
    if (!*program)
        return md_fail(p, MD_FAULT_CONFIG, "md:config", "the command line is empty");
    if (pipe2(ends, O_CLOEXEC))
        return md_fail_status(p, APR_FROM_OS_ERROR(errno), "cannot make a pipe for %s", program);
    rc = spawn(argv, ends[1], &pid, p);
    close(ends[1]);
    if (rc) {
        close(ends[0]);
        return cannot_run(rc, program, p);
    }
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    from->fd = ends[0];
    from->program = program;
    end = wait_for(pid, from, limits, &status);
    close(ends[0]);
    out->last_words = from->last;
    MD_TRY(judge(end, status, program, limits->timeout, p));
    out->exit_code = WEXITSTATUS(status);
    return NULL;
}

md_err *md_exec_enter(const md_exec_limits *limits, apr_pool_t *p)
{
    if (!limits->turns || take_turn(limits))
        return NULL;
    return md_fail(p, MD_FAULT_LOCAL, "md:busy", "%d commands are running already", limits->turns->most);
}

void md_exec_leave(const md_exec_limits *limits)
{
    if (limits->turns)
        atomic_fetch_sub(&limits->turns->running, 1);
}

md_err *md_exec(const md_names *argv, const md_exec_limits *limits, apr_pool_t *p, md_exec_result *out)
{
    md_err *err;

    MD_TRY(md_exec_enter(limits, p));
    err = run(argv, limits, p, out);
    md_exec_leave(limits);
    return err;
}
