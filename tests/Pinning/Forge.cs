using Microsoft.AspNetCore.Http;

namespace Run.Tests.Pinning;

/// <summary>
/// A server that behaves like GitHub or GitLab as far as pins need it: it has files at refs and commits, and it says which commit a ref
/// stands for.
/// </summary>
internal static class Forge
{
    public static readonly string FirstCommit = new('a', 40);
    public static readonly string SecondCommit = new('b', 40);

    /// <summary>A server for three sources: <c>gh:</c> like GitHub, <c>gl:</c> like GitLab, <c>plain:</c> without commits.</summary>
    public static async Task<World<ScriptServer>> Serving(params (string Path, string Text)[] scripts)
    {
        var world = await World.Serving(scripts);
        var server = world.Server;
        world.Conf($"""
            sources:
              default: {server.Url}/default/%s
              plain: {server.Url}/plain/%s
              asks: {"{"}url: {server.Url}/plain/%s, trust: ask{"}"}
              strict: {"{"}url: {server.Url}/plain/%s, trust: pinned{"}"}
              tags: {server.Url}/tags/{"{ref}"}/%s
              gh:
                url: {server.Url}/raw/%s/%s/{"{ref}"}/%s
                commit:
                  url: {server.Url}/repos/%s/%s/commits/{"{ref}"}
                  accept: application/vnd.github.sha
              gl:
                url: {server.Url}/%s/%s/-/raw/{"{ref}"}/%s
                headers: {"{"}PRIVATE-TOKEN: "${"{"}GL{"}"}"{"}"}
                commit: {server.Url}/api/v4/projects/%s%2F%s/repository/commits/{"{ref}"}

            """);
        return world;
    }

    /// <summary>GitHub: the ref stands for that commit, and both have these files.</summary>
    public static void GitHub(ScriptServer server, string reference, string commit, string path, string content)
    {
        server.Map($"/repos/o/r/commits/{reference}", async context =>
        {
            // Without that media type GitHub answers with everything about the commit.
            var bare = context.Request.Headers.Accept == "application/vnd.github.sha";
            await context.Response.WriteAsync(
                bare ? commit : $$$"""{"commit": {"tree": {"sha": "{{{SecondCommit}}}"}}, "sha": "{{{commit}}}"}""");
        });
        server[$"/raw/o/r/{Uri.UnescapeDataString(reference)}/{path}"] = content;
        server[$"/raw/o/r/{commit}/{path}"] = content;
    }

    public static string Pins(Sandbox box) => File.ReadAllText(box.Work + "/run.pins");
}
