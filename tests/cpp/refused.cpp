/* Plugin `refused`: where it throws, AT says: `create`, `start`, `commands`, `enter` or `stop`; nowhere without. */
#include <jackfield/plugin.hpp>

#ifndef AT
#define AT ""
#endif

static void throw_at(std::string_view place)
{
    if (place == AT) throw std::runtime_error("thrown at " + std::string(place));
}

class Refused final : public jackfield::Plugin {
public:
    static jackfield::Info info()
    {
        return jackfield::Info("refused", "Refused", AT[0] ? AT : "good").threads([] { throw_at("enter"); }, nullptr);
    }
    static void commands(jackfield::Commands<Refused> &commands)
    {
        throw_at("commands");
        commands.add("refused", [](jackfield::Call &call) { return call.params(); }).inlined();
    }
    Refused(jackfield::Host, std::string_view config)
    {
        if (config.find("sharp") != std::string_view::npos) throw std::runtime_error("no setting 'sharp'");
        throw_at("create");
    }
    void start() override { throw_at("start"); }
    void stop() override { throw_at("stop"); }
};

JACKFIELD_PLUGIN(Refused);
